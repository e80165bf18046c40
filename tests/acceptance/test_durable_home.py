"""The very first acknowledgement holds: the new home itself survives power loss by then."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from queuectl.domain.errors import StoreUnreachable
from queuectl.stores.sqlite import SqliteStore
from tests.support.disguise import IS_ROOT, NOBODY, disguised, folder_of
from tests.support.installation import COMMAND

TRACE = [
    "strace",
    "-f",
    "-y",
    "-s",
    "200",
    "-e",
    "trace=?mkdir,mkdirat,openat,fsync,fdatasync,write",
]
MADE = re.compile(r'(?:mkdir\(|mkdirat\([^"]*|openat\([^"]*)"([^"]+)", (?:[A-Z_|]*O_CREAT|0\d+)')
SYNCED = re.compile(r"(?:fsync|fdatasync)\(\d+<([^>]+)>\) += 0")


def _trace(tmp_path: Path, *words: str) -> list[str]:
    """The system calls of a command that succeeds, up to the moment when it says so."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    trace = tmp_path / "trace"
    argv = [*TRACE, "-o", str(trace), sys.executable, "-B", "-m", "queuectl", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("needs the right to trace")
    assert done.returncode == 0, done
    lines = trace.read_text().splitlines()
    (said,) = (number for number, line in enumerate(lines) if "Enqueued job" in line)
    return lines[:said]


def _unsynced(calls: list[str], below: Path) -> set[str]:
    """What was made below a folder with no sync, after it, of the folder that it lies in."""
    unsynced: set[str] = set()
    for call in calls:
        made, synced = MADE.search(call), SYNCED.search(call)
        if made and not call.endswith(")") and Path(made[1]).is_relative_to(below):
            unsynced.add(made[1])
        if synced:
            unsynced = {path for path in unsynced if os.path.dirname(path) != synced[1]}
    return unsynced


def _synced(calls: list[str]) -> list[str]:
    return [match[1] for call in calls if (match := SYNCED.search(call))]


def test_the_trace_shows_what_is_not_synced(tmp_path: Path) -> None:
    calls = [
        '7 mkdir("/a/b", 0700) = 0',
        '7 mkdir("/a/b/c", 0700) = 0',
        '7 openat(AT_FDCWD</>, "/a/b/c/f", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3</a/b/c/f>',
        "7 fsync(4</a/b>) = 0",
        "7 fdatasync(4</a/b/c>) = -1 EIO (Input/output error)",
    ]
    assert _unsynced(calls, Path("/a")) == {"/a/b", "/a/b/c/f"}
    assert _unsynced([*calls, "7 fdatasync(4</a/b/c>) = 0"], Path("/a")) == {"/a/b"}


def test_the_first_job_of_a_new_home_is_durable_with_all_folders_on_the_way(
    tmp_path: Path,
) -> None:
    home = tmp_path / "new" / "state" / "home"
    calls = _trace(tmp_path, "--home", str(home), "enqueue", "true")
    made = {match[1] for call in calls if (match := MADE.search(call))}
    wal = f"{home}/queue.db-wal"
    assert made >= {str(tmp_path / "new"), str(home.parent), str(home), f"{home}/queue.db", wal}
    # What the -shm holds is built anew from the WAL.
    assert _unsynced(calls, tmp_path) - {f"{home}/queue.db-shm"} == set()
    assert _synced(calls)[-1] == wal


def test_a_folder_that_another_process_has_just_made_is_durable_too(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    home.mkdir(parents=True, mode=0o700)
    calls = _trace(tmp_path, "--home", str(home), "enqueue", "true")
    assert set(_synced(calls)) >= {str(tmp_path), str(tmp_path / "new"), str(home)}


def test_a_second_job_syncs_no_folder_above_the_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _trace(tmp_path, "--home", str(home), "enqueue", "true")
    calls = _trace(tmp_path, "--home", str(home), "enqueue", "true")
    synced = _synced(calls)
    assert synced
    assert all(Path(path).is_relative_to(home) for path in synced)


def test_a_home_in_a_folder_that_may_be_written_but_not_listed() -> None:
    user = NOBODY if IS_ROOT else os.geteuid()
    with folder_of(user) as folder:
        folder.chmod(0o300)
        argv = [*COMMAND, "--home", str(folder / "home"), "enqueue", "true"]
        done = subprocess.run(disguised(argv, uid=user), capture_output=True, check=False)
        folder.chmod(0o700)
        assert done.returncode == 0, done
        assert (folder / "home" / "queue.db").is_file()


def test_a_store_below_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match="No such file or directory"):
        SqliteStore(str(tmp_path / "no" / "folder" / "queue.db"))
