"""What is restored is the queue as it was, as a whole or not at all."""

from __future__ import annotations

import signal
import socket
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from queuectl import JobQueue
from tests.support.backups import HEEDING_SIGINT, opened, refusal, size_of
from tests.support.installation import Installation
from tests.support.one_shot import OneShot
from tests.support.waiting import until


def test_a_restore_does_not_touch_a_store_that_has_jobs(place: Installation, taken: Path) -> None:
    place.queue.enqueue("true", id="precious")
    said = refusal(place.ctl("restore", str(taken), code=1))
    assert said == f"store {place.queue.home.database} holds 2 jobs (--force replaces them)"
    assert place.queue.get("precious")
    place.ctl("restore", "--force", str(taken))
    assert [job.id for job in place.queue.list()] == ["kept"]


def test_a_restore_refuses_while_anything_of_the_home_lives(
    place: Installation, taken: Path, tmp_path: Path
) -> None:
    place.start()
    job = place.queue.enqueue("exec sleep 300")
    until(lambda: place.of_job(job))
    said = refusal(place.ctl("restore", "--force", str(taken), code=1))
    assert said == "workers are running: run worker stop first"
    place.kill(place.supervisor)
    said = refusal(place.ctl("restore", "--force", str(taken), code=1))
    assert said.endswith(" is still running: run worker stop first")
    place.kill_all()
    (survivor,) = place.of_job(job)
    said = refusal(place.ctl("restore", "--force", str(taken), code=1))
    assert said == f"jobs are still running, end them first: PID {survivor}"
    place.kill(survivor)
    place.ctl("restore", "--force", str(taken))


def test_ids_that_were_given_out_are_not_given_out_again(
    place: Installation, backup: Path, other: OneShot
) -> None:
    backup.parent.mkdir()
    assert [place.queue.enqueue("true").id for _ in range(3)] == ["j1", "j2", "j3"]
    place.ctl("backup", str(backup))
    assert place.queue.enqueue("true").id == "j4"
    other("restore", str(backup))
    assert other("enqueue", "--format", "ids", "true").out == "j4\n"
    place.ctl("restore", "--force", str(backup))
    assert place.queue.enqueue("true").id == "j5"


def test_a_job_that_ran_at_the_backup_is_charged_and_runs_again(
    place: Installation, backup: Path, other: OneShot, tmp_path: Path
) -> None:
    backup.parent.mkdir()
    place.start()
    job = place.queue.enqueue("exec sleep 300", max_retries=1, backoff="fixed:0s")
    until(lambda: place.of_job(job))
    place.ctl("backup", str(backup))
    done = other("restore", str(backup))
    assert "1 job was running then" in done.out
    (restored,) = other.jobs()
    assert (restored["state"], restored["retries"]) == ("failed", 1)
    assert restored["error"].startswith("lost: it was running when the backup of 2")
    other("cancel", job.id)


def test_a_restored_queue_leaves_the_processes_of_its_living_original_alone(
    place: Installation, backup: Path, tmp_path: Path
) -> None:
    backup.parent.mkdir()
    place.start()
    job = place.queue.enqueue("exec sleep 300", max_retries=1, backoff="fixed:0s")
    original = until(lambda: place.of_job(job))
    place.ctl("backup", str(backup))
    twin = Installation(tmp_path / "twin")
    try:
        twin.ctl("restore", str(backup))
        twin.queue.close()
        twin.queue = JobQueue(str(twin.path))
        assert twin.queue.store.uuid != place.queue.store.uuid
        twin.start()
        until(lambda: twin.of_job(job))
        twin.ctl("doctor", "--repair")
        twin.queue.cancel(job.id)
        twin.queue.wait([job.id], 60)
        twin.stop()
    finally:
        twin.close()
    assert place.of_job(job) == original
    assert place.state(job) == "processing"


def test_a_damaged_store_is_put_aside(place: Installation, taken: Path) -> None:
    place.queue.close()
    database = Path(place.queue.home.database)
    database.write_bytes(b"no database at all" * 1000)
    said = refusal(place.ctl("restore", str(taken), code=1))
    assert said.endswith("it is not a database (--force puts it aside)")
    done = place.ctl("restore", "--force", str(taken))
    assert f"The damaged store was moved to {database}.damaged-1\n" in done.stdout
    assert Path(f"{database}.damaged-1").read_bytes().startswith(b"no database")
    place.queue = JobQueue(str(place.path))
    assert [job.id for job in place.queue.list()] == ["kept"]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_its_end(content: bytes) -> bytes:
    return content[: content.index(b"seal.json") // 512 * 512]


def with_a_changed_byte(content: bytes) -> bytes:
    middle = content.index(b"CREATE TABLE jobs")
    return content[:middle] + b"c" + content[middle + 1 :]


def of_a_newer_format(content: bytes) -> bytes:
    return content.replace(b'{"format": 1,', b'{"format": 9,', 1)


def of_something_else(content: bytes) -> bytes:
    return b"text\n" * 1000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (cut, "it is not a whole backup"),
        (without_its_end, "it is not a whole backup: its end is missing"),
        (with_a_changed_byte, "its content was changed"),
        (of_a_newer_format, "its format is 9, this queuectl knows 1"),
        (of_something_else, "it is not a whole backup"),
        (lambda content: b"", "it is not a whole backup"),
    ],
)
def test_what_is_no_whole_backup_is_refused_and_nothing_is_changed(
    taken: Path, other: OneShot, change, reason
) -> None:
    other("enqueue", "--id", "here", "true")
    taken.write_bytes(change(taken.read_bytes()))
    said = other.refused(1, "restore", "--force", str(taken))
    assert said.startswith(f"cannot restore '{taken}': {reason}")
    assert [job["id"] for job in other.jobs()] == ["here"]
    assert not (other.home / "restoring").exists()


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "output/0/../../escaped", "run"])
def test_a_backup_writes_nowhere_but_to_its_own_places(
    taken: Path, other: OneShot, tmp_path: Path, name: str
) -> None:
    evil = tmp_path / "evil.tar"
    with tarfile.open(taken) as good, tarfile.open(evil, "w") as bad:
        for member in good:
            if member.name == "seal.json":
                bad.addfile(tarfile.TarInfo(name))
            bad.addfile(member, good.extractfile(member))
    said = other.refused(1, "restore", str(evil))
    assert said == f"cannot restore '{evil}': '{name}' has no place in a backup"
    assert not list(tmp_path.rglob("escaped"))


def test_a_file_that_cannot_be_read_is_an_error_in_one_line(other: OneShot, tmp_path: Path) -> None:
    assert other.refused(1, "restore", str(tmp_path / "none")).endswith("No such file or directory")
    assert other.refused(1, "restore", str(tmp_path)).endswith("Is a directory")


def test_a_restore_that_was_killed_is_told_of_and_can_be_repeated(
    place: Installation, taken: Path, other: OneShot
) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen([*other.argv, "restore", "-"], stdin=theirs)
    with ours:
        ours.sendall(taken.read_bytes()[:80_000])
        until((other.home / "restoring" / "queue.db").exists)
        process.kill()
        process.wait()
    done = other.attempt("doctor")
    assert (done.code, "a restore was killed before it was done" in done.out) == (1, True)
    other("restore", str(taken))
    assert [job["id"] for job in other.jobs()] == ["kept"]
    assert other("doctor", "-h")
    assert other.attempt("doctor").code == 0


def test_a_restore_that_is_interrupted_leaves_everything_as_it_was(
    taken: Path, other: OneShot
) -> None:
    other("enqueue", "--id", "here", "true")
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [*HEEDING_SIGINT, *other.argv, "restore", "--force", "-"], stdin=theirs
        )
    with ours:
        ours.sendall(taken.read_bytes()[:80_000])
        until((other.home / "restoring" / "queue.db").exists)
        until(lambda: all(_waits(process.pid) for _ in range(5)), "it waits for the rest")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert not (other.home / "restoring").exists()
    assert [job["id"] for job in other.jobs()] == ["here"]


def test_a_restore_that_is_killed_while_it_replaces_the_store_replaces_all_or_nothing(
    place: Installation, backup: Path, other: OneShot
) -> None:
    backup.parent.mkdir()
    place.queue.enqueue_many([{"command": "x" * 1000}] * 6_000)
    place.ctl("backup", str(backup))
    other("enqueue", "--id", "here", "true")
    wal = other.home / "queue.db-wal"
    for size in (1, 3, 6):
        with subprocess.Popen([*other.argv, "restore", "--force", str(backup)]) as process:
            _await_end_or_size(process, wal, size * 2**20)
            process.kill()
        with opened(other.home) as queue:
            jobs = sum(queue.store.tallies().values())
            assert queue.store.examine() == []
        assert jobs in (1, 6_000)
    other("restore", "--force", str(backup))
    assert other("status", "--format", "json").json["jobs"]["pending"] == 6_000


def _await_end_or_size(process: subprocess.Popen[bytes], path: Path, size: int) -> None:
    until(lambda: process.poll() is not None or size_of(path) > size)


def _waits(pid: int) -> bool:
    time.sleep(0.01)
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("S")
