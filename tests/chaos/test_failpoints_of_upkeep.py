"""Commands that look after a store can end at any point and be given again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from queuectl import JobQueue
from queuectl.domain.fleet import Desired
from queuectl.failpoints import EXIT_CODE, POINTS
from queuectl.stores.sqlite import SqliteStore
from tests.stores.scene import FakeClock, audit, supervisor
from tests.support.database import raw
from tests.support.installation import COMMAND


def points(write: str) -> list[str]:
    return [point for point in POINTS if point.startswith(f"{write}: ")]


def twice(home: Path, point: str, *words: str) -> None:
    """Give a command that ends at the point, and give it again."""
    variables = {"QUEUECTL_FAILPOINT": point, "QUEUECTL_FAILPOINT_TRACE": f"{home}.trace"}
    command = [*COMMAND, "--home", str(home), *words]
    first = subprocess.run(command, env={**os.environ, **variables}, check=False)
    assert first.returncode == EXIT_CODE
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second


@pytest.mark.parametrize("point", points("recount"))
def test_tallies_are_counted_anew_by_the_next(tmp_path: Path, point: str) -> None:
    home = tmp_path / "home"
    with JobQueue(str(home)) as queue:
        queue.enqueue("true")
    with raw(home / "queue.db") as connection:
        connection.execute("UPDATE tallies SET count = 7")
    twice(home, point, "doctor", "--repair")
    with JobQueue(str(home)) as queue:
        audit(queue.store)


@pytest.mark.parametrize("point", points("forget processes"))
def test_old_rows_are_deleted_by_the_next(tmp_path: Path, point: str) -> None:
    home = tmp_path / "home"
    with JobQueue(str(home)):
        pass
    with SqliteStore(str(home / "queue.db"), FakeClock()) as store:
        store.enter(supervisor("old"))
        store.want_workers("old", 1500, 1, (), Desired.RUN)
        store.enter(supervisor("next"))
        store.leave("next")
    twice(home, point, "doctor", "--repair")
    with raw(home / "queue.db") as connection:
        assert list(connection.execute("SELECT count(*) FROM workers")) == [(0,)]


@pytest.mark.parametrize("point", points("renew"))
def test_a_backup_is_restored_by_the_next(tmp_path: Path, point: str) -> None:
    source, target, backup = tmp_path / "source", tmp_path / "target", tmp_path / "backup"
    with JobQueue(str(source)) as queue:
        queue.enqueue("true", id="kept")
        subprocess.run([*COMMAND, "--home", str(source), "backup", str(backup)], check=True)
        uuid = queue.store.uuid
    twice(target, point, "restore", str(backup))
    with JobQueue(str(target)) as queue:
        assert queue.get("kept").state == "pending"
        assert queue.store.uuid != uuid
