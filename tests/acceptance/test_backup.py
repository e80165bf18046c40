"""A backup is whole or not there, and what is restored from it is the queue as it was."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from queuectl import JobQueue
from queuectl.domain import transcript
from queuectl.home import partial
from tests.support.installation import COMMAND, Installation
from tests.support.one_shot import OneShot
from tests.support.waiting import until

# More than what is kept in the store.
LONG = "i=0; while [ $i -lt 3000 ]; do echo $i of many long lines of output; i=$((i+1)); done"

# A run of the tests in the background ignores SIGINT, and so would all that it starts.
HEEDING_SIGINT = ["env", "--default-signal=INT"]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "queue.tar"


@pytest.fixture
def taken(place: Installation, backup: Path) -> Path:
    """A backup of one job."""
    backup.parent.mkdir()
    place.queue.enqueue("true", id="kept")
    place.ctl("backup", str(backup))
    return backup


@pytest.fixture
def other(tmp_path: Path) -> OneShot:
    return OneShot(tmp_path / "other")


@contextmanager
def opened(home: Path) -> Iterator[JobQueue]:
    with JobQueue(str(home)) as queue:
        yield queue


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stderr.startswith("queuectl: error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("queuectl: error: ").strip()


def test_a_backup_under_constant_work_has_every_job_acknowledged_before_it(
    place: Installation, backup: Path, other: OneShot, tmp_path: Path
) -> None:
    backup.parent.mkdir()
    place.start(2, 2)
    acknowledged = tmp_path / "acknowledged"
    enqueue = shlex.join(
        [*COMMAND, "--home", str(place.path), "enqueue", "--format", "ids", "true"]
    )
    script = f"while :; do {enqueue}; done"
    with acknowledged.open("w") as out:
        writer = subprocess.Popen(["sh", "-c", script], stdout=out, start_new_session=True)
        try:
            flood = [{"command": "true"}] * 20
            for number in range(5):
                before = set(acknowledged.read_text().split())
                before |= {job_id for job_id, _ in place.queue.enqueue_many(flood).jobs}
                place.ctl("backup", "--force", str(backup))
                flooded = f"{number}: {sorted(before)[:3]}"
                other("restore", "--force", str(backup))
                restored = {job["id"] for job in other.jobs()}
                assert before <= restored, flooded
                assert other("doctor").lines[-1].startswith("0 problems")
        finally:
            os.killpg(writer.pid, signal.SIGKILL)
            writer.wait()
    other("worker", "start", "--drain")
    assert {job["state"] for job in other.jobs()} == {"completed"}


def test_outputs_that_are_kept_in_files_are_restored(
    place: Installation, backup: Path, other: OneShot
) -> None:
    backup.parent.mkdir()
    jobs = [place.queue.enqueue(LONG), place.queue.enqueue("echo short")]
    place.ctl("worker", "start", "--drain")
    done = place.ctl("backup", str(backup))
    assert done.stdout.startswith(f"Backed up 2 jobs and 1 output file to {backup} (")
    other("restore", str(backup))
    for job in jobs:
        wanted = transcript.text(place.queue.output(job))
        assert other("logs", job.id).out.encode() == wanted
    assert other("doctor").lines[-1].startswith("0 problems, 0 warnings")


def test_a_backup_is_private_and_its_folder_holds_nothing_else(
    place: Installation, backup: Path
) -> None:
    backup.parent.mkdir()
    before = os.umask(0)
    try:
        place.ctl("backup", str(backup))
    finally:
        os.umask(before)
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_backup_replaces_a_file_only_when_told_to(place: Installation, taken: Path) -> None:
    before = taken.read_bytes()
    said = refusal(place.ctl("backup", str(taken), code=1))
    assert said.endswith("there is something already (--force replaces a file)")
    assert taken.read_bytes() == before
    place.queue.enqueue("true")
    place.ctl("backup", "--force", str(taken))
    assert taken.read_bytes() != before


@pytest.mark.parametrize("target", ["none/queue.tar", ".", "file/queue.tar", "fifo"])
def test_a_target_that_cannot_be_written_is_an_error_in_one_line(
    place: Installation, tmp_path: Path, target: str
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    said = refusal(place.ctl("backup", "--force", str(tmp_path / target), code=1))
    assert said.startswith(f"cannot back up to '{tmp_path / target}': ")


def test_a_full_disk_is_an_error_and_leaves_nothing_behind(
    place: Installation, small_disk: Path
) -> None:
    place.queue.enqueue_many([{"command": "x" * 1000}] * 2000)
    said = refusal(place.ctl("backup", str(small_disk / "queue.tar"), code=1))
    assert "no room" in said or "No space left" in said
    assert list(small_disk.iterdir()) == []


def test_a_damaged_store_gives_no_backup(place: Installation, backup: Path) -> None:
    backup.parent.mkdir()
    place.queue.enqueue_many([{"command": "x" * 1000}] * 200)
    place.queue.store.close()
    content = bytearray(Path(place.queue.home.database).read_bytes())
    content[40960 : 40960 + 8192] = b"\xff" * 8192
    Path(place.queue.home.database).write_bytes(content)
    assert "it is damaged" in refusal(place.ctl("backup", str(backup), code=1))
    assert list(backup.parent.iterdir()) == []
    Path(place.queue.home.database).unlink()
    place.queue = JobQueue(str(place.path))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_backup_that_is_ended_early_leaves_no_half_file(
    place: Installation, backup: Path, number: signal.Signals
) -> None:
    backup.parent.mkdir()
    place.queue.enqueue_many([{"command": "x" * 1000}] * 50_000)
    expected = 130 if number == signal.SIGINT else -number
    assert until(lambda: _ended_amid_a_backup(place, backup, number) == expected)
    assert not backup.exists()
    if number == signal.SIGKILL:
        assert partial.leftovers(str(backup.parent))
        place.ctl("backup", str(backup))
        assert list(backup.parent.iterdir()) == [backup]
    else:
        assert list(backup.parent.iterdir()) == []


def _ended_amid_a_backup(place: Installation, backup: Path, number: int) -> int:
    """Begin a backup and send it a signal; its exit code, 0 if it was faster."""
    backup.unlink(missing_ok=True)
    process = subprocess.Popen(
        [*HEEDING_SIGINT, *COMMAND, "--home", str(place.path), "backup", str(backup)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not any(map(_size, backup.parent.iterdir())):
        time.sleep(0.001)
    process.send_signal(number)
    code = process.wait()
    return 0 if backup.exists() else code


def test_a_backup_goes_through_pipes(place: Installation, taken: Path, other: OneShot) -> None:
    there = [*COMMAND, "--home", str(place.path), "backup", "-"]
    here = [*other.argv, "restore", "-"]
    with subprocess.Popen(there, stdout=subprocess.PIPE) as writer:
        subprocess.run(here, stdin=writer.stdout, check=True, stdout=subprocess.DEVNULL)
    assert writer.returncode == 0
    assert [job["id"] for job in other.jobs()] == ["kept"]
    assert partial.leftovers(str(place.path)) == []


def test_the_shell_backs_up_and_goes_on_with_what_it_has_restored(
    place: Installation, backup: Path
) -> None:
    backup.parent.mkdir()
    lines = f"enqueue --id kept true\nbackup {backup}\nenqueue --id late true\n"
    lines += f"restore --force {backup}\nlist --format ids\nenqueue --id after true\n"
    done = place.ctl(stdin=lines)
    assert "kept\n" in done.stdout
    assert done.stdout.endswith("Enqueued job 'after' (pending)\n")
    assert {job.id for job in place.queue.list()} == {"kept", "after"}


# Restoring.


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
    for name in ("nursery", "scheduler", "worker", "caretaker"):
        for pid in place.processes(name):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not place.processes(""))
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
        process = subprocess.Popen([*other.argv, "restore", "--force", str(backup)])
        until(lambda: process.poll() is not None or _size(wal) > size * 2**20)  # noqa: B023
        process.kill()
        process.wait()
        with opened(other.home) as queue:
            jobs = sum(queue.store.tallies().values())
            assert queue.store.examine() == []
        assert jobs in (1, 6_000)
    other("restore", "--force", str(backup))
    assert other("status", "--format", "json").json["jobs"]["pending"] == 6_000


def _waits(pid: int) -> bool:
    time.sleep(0.01)
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("S")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def test_the_label_says_what_a_backup_is_of(place: Installation, taken: Path) -> None:
    with tarfile.open(taken) as archive:
        names = archive.getnames()
        label = json.load(archive.extractfile(names[0]))  # type: ignore[arg-type]
    assert names == ["queuectl-backup.json", "queue.db", "seal.json"]
    assert sorted(label) == ["created_at", "format", "home", "host", "schema", "version"]
    assert label["home"] == str(place.path)
