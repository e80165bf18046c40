"""A disk that turned read-only, and folders that may not be written, cost no job."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from queuectl import JobQueue
from queuectl.domain.errors import StoreError
from tests.support.installation import COMMAND, Installation
from tests.support.one_shot import OneShot
from tests.support.shortage import (
    BreakingDisk,
    Gate,
    breaking_disk,
    everybody,
    needs_root,
    small_disk,
    trouble,
)
from tests.support.waiting import until

NOBODY = 65534


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with closing(Gate(tmp_path)) as gate:
        yield gate


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[BreakingDisk]:
    with breaking_disk(tmp_path) as disk:
        yield disk


def refused(queuectl: OneShot, code: int, *words: str) -> str:
    """The one error line of a command that is to fail."""
    done = queuectl.attempt(*words)
    [line] = done.err.splitlines()
    assert done.code == code
    assert line.startswith("queuectl: error: ")
    assert "internal error" not in line
    return line


def kill_all(place: Installation) -> bool:
    """Kill the processes of the queue, one that has no title yet, too; whether none was left."""
    alive = [
        one
        for one in psutil.process_iter(["environ"])
        if (one.info["environ"] or {}).get("QUEUECTL_HOME") == str(place.path)
    ]
    for one in alive:
        place.kill(one.pid)
    return not alive


def test_a_disk_that_turns_read_only_ends_nobody_and_loses_no_job(broken, gate):
    place = Installation(broken.path / "home")
    try:
        place.start()
        job = place.queue.enqueue(gate.command("job"), id="job", backoff="fixed:0s")
        until(lambda: gate.said("job"))
        alive = until(lambda: everybody(place))
        broken.damage()
        done = place.ctl("enqueue", "true", code=1)
        assert done.stderr.startswith("queuectl: error: store ")
        assert done.stderr.count("\n") == 1
        assert place.ctl("list", "--format", "ids").stdout == "job\n"
        gate.open()
        until(lambda: not place.of_job(job))
        assert f"the disk of {place.path} is read-only" in trouble(place)
        assert everybody(place) == alive
        assert place.state(job) == "processing"
    finally:
        until(lambda: kill_all(place))
        with suppress(StoreError):  # which wants to tidy up
            place.queue.close()
    broken.mend()
    place.queue = JobQueue(str(place.path))
    try:
        place.start()
        [ended] = place.queue.wait(["job"], 60)
        assert ended.state == "completed"
        assert gate.said("job") == ["begun", "begun"]
    finally:
        place.close()


def test_a_home_on_a_read_only_disk_refuses_in_one_line_until_it_can_be_written(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        queuectl = OneShot(disk.path / "home")
        queuectl("enqueue", "--id", "first", "true")
        subprocess.run(["mount", "-o", "remount,ro", str(disk.path)], check=True)
        for words in (("enqueue", "true"), ("worker", "start"), ("config", "set", "poll", "2")):
            assert "ead-only" in refused(queuectl, 1, *words)
        assert [job["id"] for job in queuectl.jobs()] == ["first"]
        status = queuectl("status", "--format", "json").json
        assert status["jobs"]["pending"] == 1
        assert status["trouble"] == [f"the disk of {queuectl.home} is read-only"]
        subprocess.run(["mount", "-o", "remount,rw", str(disk.path)], check=True)
        queuectl("enqueue", "--id", "second", "true")
        assert [job["id"] for job in queuectl.jobs()] == ["first", "second"]


class Nobody(OneShot):
    """Commands of a user who may read all there is and write only what is hers."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        # The interpreter may stand where only root may look.
        self.argv = [
            *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
            *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"),
            *("--bounding-set=-all,+dac_read_search", *COMMAND, "--home", str(home)),
        ]

    def state(self, job_id: str) -> str:
        return str(self("show", job_id, "--format", "json").json["state"])

    def trouble(self) -> list[str]:
        told: list[str] = self("status", "--format", "json").json["trouble"]
        return told


@pytest.fixture
def nobody() -> Iterator[Nobody]:
    needs_root("be somebody else")
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv")
    # Not below the folder of pytest, which is for its owner only.
    folder = Path(tempfile.mkdtemp(prefix="queuectl-", dir="/tmp"))
    folder.chmod(0o711)
    user = Nobody(folder / "home")
    yield user
    allow(user.home)
    user("worker", "stop", "--now")
    shutil.rmtree(folder)


def forbid(path: Path) -> None:
    path.chmod(0o500 if path.is_dir() else 0o400)


def allow(home: Path) -> None:
    for path in (home, *home.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def test_where_nothing_may_be_written_commands_say_so_in_one_line(nobody):
    nobody("enqueue", "--id", "first", "true")
    forbid(nobody.home / "queue.db")
    forbid(nobody.home)
    for words in (("enqueue", "true"), ("worker", "start"), ("config", "set", "poll", "2")):
        assert refused(nobody, 1, *words)
    allow(nobody.home)
    nobody("worker", "start", "--drain")
    assert nobody.state("first") == "completed"


@pytest.mark.parametrize("name", ["home", "output", "run", "store"])
def test_what_may_not_be_written_for_a_while_costs_no_job_and_no_output(nobody, name):
    shared = nobody.home.parent / "gate"
    shared.mkdir()
    shared.chmod(0o777)
    with closing(Gate(shared)) as gate:
        (shared / "go").chmod(0o666)
        _forbid_for_a_while(nobody, gate, name)


def _forbid_for_a_while(nobody: Nobody, gate: Gate, name: str) -> None:
    place = {"home": ".", "output": "output", "run": "run", "store": "queue.db"}[name]
    (nobody.home / "output").mkdir()
    os.chown(nobody.home / "output", NOBODY, NOBODY)
    nobody("worker", "start", "--count", "1")
    nobody("enqueue", "--id", "job", gate.command("job", "echo over"))
    until(lambda: gate.said("job"))
    forbid(nobody.home / place)
    gate.open()
    nobody("worker", "status")
    until(lambda: nobody.state("job") == "completed")
    allow(nobody.home)
    nobody("enqueue", "--id", "late", "true")
    nobody("wait", "--timeout", "60", "late")
    assert nobody("logs", "job").out == "job begun\nover\n"
    assert nobody.trouble() == []
