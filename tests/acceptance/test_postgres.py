"""The same commands on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from queuectl.domain.lifecycle import State
from tests.support import postgres
from tests.support.installation import Installation
from tests.support.one_shot import OneShot


@pytest.fixture
def place(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """A queue whose jobs are kept in PostgreSQL."""
    monkeypatch.setenv("QUEUECTL_STORE", postgres_url)
    installation = Installation(tmp_path / "home")
    yield installation
    installation.close()


def test_jobs_go_in_run_fail_and_are_shown(place: Installation) -> None:
    place.ctl("enqueue", "--id", "good", "echo hello")
    place.ctl("enqueue", "--id", "bad", "--max-retries", "1", "--backoff", "fixed:0s", "exit 3")
    place.ctl("worker", "start", "--drain")
    place.ctl("wait", "good")
    assert place.ctl("wait", "bad", code=1).returncode == 1
    assert place.ctl("logs", "good").stdout == "hello\n"
    assert "exit code 3" in place.ctl("show", "bad").stdout
    assert place.ctl("dlq", "list", "--format", "ids").stdout == "bad\n"
    assert place.ctl("status").returncode == 0


def test_many_jobs_run_once_each(place: Installation, tmp_path: Path) -> None:
    log = tmp_path / "log"
    place.queue.enqueue_many([{"command": f"echo {n} >> {log}"} for n in range(300)])
    place.start(2, 4)
    jobs = place.queue.wait([job.id for job in place.queue.list()], timeout=60)
    assert {job.state for job in jobs} == {State.COMPLETED}
    assert sorted(map(int, log.read_text().split())) == list(range(300))


def test_a_server_that_does_not_answer_is_one_line_without_the_password(
    place: Installation,
) -> None:
    url = "postgresql://root:secret@127.0.0.1:1/none"
    done = place.ctl("--store", url, "list", code=1)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


def test_the_doctor_makes_no_store_and_shows_no_password(tmp_path: Path, postgres_url: str) -> None:
    postgres.drop(postgres_url)
    home = OneShot(tmp_path / "home")
    url = postgres_url.replace("root@", "root:secret@")
    said = home("--store", url, "doctor").out
    assert "there is none yet at postgresql://root:***@" in said
    home("--store", url, "enqueue", "true")
    said = home("--store", url, "doctor").out
    assert "root:***@" in said
    assert "1 job" in said
    assert "secret" not in said
