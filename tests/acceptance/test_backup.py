"""A backup is whole or not there."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from queuectl import JobQueue
from queuectl.domain import transcript
from queuectl.home import partial
from tests.support.backups import HEEDING_SIGINT, refusal, size_of
from tests.support.installation import COMMAND, Installation
from tests.support.one_shot import OneShot
from tests.support.waiting import until

# More than what is kept in the store.
LONG = "i=0; while [ $i -lt 3000 ]; do echo $i of many long lines of output; i=$((i+1)); done"


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
    while process.poll() is None and not any(map(size_of, backup.parent.iterdir())):
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


def test_the_label_says_what_a_backup_is_of(place: Installation, taken: Path) -> None:
    with tarfile.open(taken) as archive:
        names = archive.getnames()
        label = json.load(archive.extractfile(names[0]))  # type: ignore[arg-type]
    assert names == ["queuectl-backup.json", "queue.db", "seal.json"]
    assert sorted(label) == ["created_at", "format", "home", "host", "schema", "version"]
    assert label["home"] == str(place.path)
