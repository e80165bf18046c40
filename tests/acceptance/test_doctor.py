"""The doctor says what is wrong, cries no wolf, and mends what can be mended without guessing."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from queuectl import JobQueue
from queuectl.domain.fleet import Desired, WorkerStatus
from queuectl.domain.selection import Selection
from queuectl.domain.timing import SECOND
from queuectl.processes.system import identity
from queuectl.stores.sqlite import SqliteStore
from tests.stores.scene import FakeClock, spec, supervisor
from tests.support.disks import mounted
from tests.support.doctor import as_one_shot, database, examined, mended
from tests.support.installation import COMMAND, Installation
from tests.support.one_shot import OneShot
from tests.support.waiting import until


def test_a_healthy_queue_has_a_line_for_each_check(home: OneShot) -> None:
    done = home("doctor")
    assert all(line.startswith("✓ ") for line in done.lines[:-1])
    assert len(done.lines) > 15
    assert done.lines[-1] == "0 problems, 0 warnings"


def test_a_queue_under_load_gives_no_false_alarm(place: Installation) -> None:
    place.start(2, 2)
    line = "head -c 70000 /dev/zero; (sleep 0.01 &) ; echo"
    script = f"while :; do echo '{line}'; done | head -n 300"
    enqueue = shlex.join([*COMMAND, "--home", str(place.path), "-q", "enqueue", "-", "--lines"])
    flood = subprocess.Popen(
        ["sh", "-c", f"while :; do {script} | {enqueue}; done"], start_new_session=True
    )
    try:
        until(place.queue.store.tallies)
        for repair in ((), ("--repair",), ()):
            assert examined(as_one_shot(place), *repair) == {}
    finally:
        os.killpg(flood.pid, signal.SIGKILL)
        flood.wait()
        place.queue.cancel_all(Selection())


def test_a_home_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    nowhere = OneShot(tmp_path / "none")
    done = nowhere("doctor", "--repair")
    assert "does not exist yet" in done.out
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = examined(OneShot(tmp_path / "file"), code=1)
    assert found["home"]["found"].endswith("is not a folder")


def test_a_store_of_no_known_kind_is_a_usage_error(home: OneShot) -> None:
    said = home.refused(2, "--store", "mysql://x", "doctor")
    assert said == "store: 'mysql://x' is not sqlite:///PATH or postgresql://HOST/DATABASE"


def test_every_format_has_the_same_findings(home: OneShot) -> None:
    (home.home / "queue.db").chmod(0o644)
    records = home.attempt("doctor", "--format", "json").json
    lines = home.attempt("doctor", "--format", "jsonl").lines
    rows = list(csv.DictReader(home.attempt("doctor", "--format", "csv").lines))
    names = home.attempt("doctor", "--format", "ids").lines
    fields = ["check", "status", "found", "advice", "mendable"]
    assert [list(one) for one in records] == [fields] * len(records)
    checks = [one["check"] for one in records]
    assert checks == names == [row["check"] for row in rows]
    assert checks == [json.loads(line)["check"] for line in lines]
    assert [one["mendable"] for one in records if one["status"] != "ok"] == [True]


@pytest.mark.parametrize("lines", ["doctor\n", "doctor --format ids\n"])
def test_the_shell_and_pipes_have_it_too(home: OneShot, lines: str) -> None:
    done = home(stdin=f"status\n{lines}status\n")
    assert "tallies" in done.out


# The store.


def fill(home: OneShot) -> Path:
    home("enqueue", "-", "--lines", stdin="echo some words to fill pages\n" * 2000)
    return home.home / "queue.db"


def damage(home: OneShot, *, cut: bool) -> None:
    path = fill(home)
    content = bytearray(path.read_bytes())
    if cut:
        del content[len(content) // 2 :]
    else:
        middle = len(content) // 2 // 4096 * 4096
        content[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(content)


@pytest.mark.parametrize("cut", [True, False], ids=["cut off", "a page overwritten"])
def test_a_damaged_store_is_told_with_the_way_back_and_not_repaired(
    home: OneShot, cut: bool
) -> None:
    damage(home, cut=cut)
    before = (home.home / "queue.db").read_bytes()
    found = examined(home, "--repair", code=1)
    broken = found.get("integrity") or found["store"]
    assert "queuectl restore --force BACKUP" in broken["advice"]
    assert (home.home / "queue.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"text" * 5000, b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_store_is_told_and_the_rest_is_examined(home: OneShot, content: bytes) -> None:
    (home.home / "queue.db").write_bytes(content)
    (home.home / "wake").write_text("no FIFO")
    found = examined(home, code=1)
    assert found["store"]["status"] == found["wake"]["status"] == "problem"
    assert found["leases"]["found"] == "not looked at, since the store cannot be read"


def test_a_store_of_a_newer_version_is_told(home: OneShot) -> None:
    with database(home) as newer:
        newer.pragma("user_version", 99)
    found = examined(home, code=1)
    assert "has schema 99" in found["store"]["found"]
    assert found["store"]["advice"] == "pip install --upgrade queuectl"


def test_a_store_that_is_gone_is_told(place: Installation) -> None:
    place.start()
    place.stop()
    place.queue.close()
    (place.path / "queue.db").unlink()
    found = examined(as_one_shot(place), code=1)
    assert "shows that there was one" in found["store"]["found"]
    assert not (place.path / "queue.db").exists()
    place.queue = JobQueue(str(place.path))


def test_tallies_are_counted_anew(home: OneShot) -> None:
    with database(home) as careless:
        careless.execute("UPDATE tallies SET count = 17")
    found = examined(home, code=1)
    assert found["tallies"]["found"] == "queue 'default' is said to have 17 pending jobs, and has 1"
    assert mended(home, "tallies") == "counted 1 tally anew"
    assert home("status", "--format", "json").json["jobs"]["pending"] == 1


def test_a_store_that_contradicts_itself_is_told_and_not_guessed_at(home: OneShot) -> None:
    with database(home) as careless:
        careless.execute("UPDATE jobs SET state = 'C'; UPDATE tallies SET state = 'C'")
    found = examined(home, "--repair", code=1)
    assert (
        found["history"]["found"]
        == "jobs that are in another state than their history ends in: job"
    )
    assert not found["history"]["mendable"]


def test_rows_of_workers_that_ended_long_ago_are_deleted(home: OneShot) -> None:
    with SqliteStore(str(home.home / "queue.db"), FakeClock()) as store:
        store.enter(supervisor("old"))
        store.want_workers("old", 1500, 1, (), Desired.RUN)
        store.enter(supervisor("next"))  # ends the first, and its workers that never lived
        store.leave("next")
    assert "1500 rows" in examined(home)["processes"]["found"]
    assert mended(home, "processes") == "deleted 1500 rows of ended workers"


# Permissions.


def test_what_others_could_read_is_made_private(place: Installation) -> None:
    place.start()
    place.stop()
    for name in ("queue.db", "wake", "supervisor.lock", "run"):
        (place.path / name).chmod(0o755)
    home = as_one_shot(place)
    place.path.chmod(0o750)
    found = examined(home, code=1)["permissions"]
    assert f"{place.path} is 0750, not 0700" in found["found"]
    assert f"{place.path}/queue.db is 0755, not 0600" in found["found"]
    assert mended(home, "permissions").startswith(f"made private: {place.path}/")
    assert (place.path / "wake").stat().st_mode & 0o777 == 0o600


def test_what_belongs_to_somebody_else_is_told(home: OneShot) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to give a file away")
    os.chown(home.home / "queue.db", 65534, 65534)
    found = examined(home, "--repair", code=1)["permissions"]
    assert found["found"] == f"another user's: {home.home / 'queue.db'}"
    os.chown(home.home, 65534, 65534)
    assert "another user" in examined(home, code=1)["home"]["found"]


# Files.


def test_outputs_of_jobs_whose_pruning_was_killed_are_deleted(home: OneShot) -> None:
    home("enqueue", "--id", "long", "head -c 200000 /dev/zero")
    (home.home / "output").mkdir(mode=0o700)
    home("worker", "start", "--drain")
    prune = f"""
import os, signal
from queuectl import JobQueue
queue = JobQueue({str(home.home)!r})
assert queue.store.prune(None, 0, 100)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([*COMMAND[:2], "-c", prune], check=False).returncode == -9
    assert [path.name for path in (home.home / "output").rglob("*.*")] == ["2.1"]
    until(lambda: not examined(home, code=0).get("lock files"))
    found = examined(home)["output files"]
    assert found["found"] == "of 1 attempt that the store does not have"
    assert mended(home, "output files") == "deleted the files of 1 attempt"
    assert not list((home.home / "output").rglob("*.*"))


def test_lock_files_of_workers_that_are_gone_are_deleted(place: Installation) -> None:
    place.start()
    (lock,) = until(lambda: list(place.path.glob("run/*.lock")))
    place.kill_all()
    home = as_one_shot(place)
    assert examined(home) == {}  # the next supervisor reads in it what its worker had begun
    place.queue.store.enter(supervisor("next", host=identity.host(), home=str(place.path)))
    place.queue.store.leave("next")
    for worker in place.queue.store.workers():
        place.queue.store.set_worker(worker.id, WorkerStatus.DIED)
    worker_id = lock.name.removesuffix(".lock")
    assert examined(home)["lock files"]["found"] == f"left by workers that are gone: {worker_id}"
    assert mended(home, "lock files") == f"deleted those of {worker_id}"
    assert not lock.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_a_wake_that_is_no_fifo_is_made_one(home: OneShot, kind: str) -> None:
    wake = home.home / "wake"
    match kind:
        case "file":
            wake.touch(mode=0o600)
        case "folder":
            wake.mkdir(mode=0o700)
        case _:
            wake.symlink_to("nowhere")
    assert examined(home, code=1)["wake"]["found"] == f"{wake} is no FIFO"
    assert mended(home, "wake") == "made a FIFO"
    assert wake.is_fifo()


def test_what_a_killed_backup_left_in_the_home_is_deleted(home: OneShot) -> None:
    left = home.home / ".queue.tar.queuectl-0123abcd"
    left.touch(mode=0o600)
    assert str(left) in examined(home)["leftovers"]["found"]
    assert mended(home, "leftovers") == f"deleted {left}"


# The machine.


def test_a_full_disk_is_told_and_the_rest_is_examined(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "1m") as small:
        home = OneShot(small / "home")
        home("enqueue", "true")
        assert "MiB free" in examined(home, code=1)["disk"]["found"]
        with open(small / "ballast", "wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        (home.home / "queue.db").chmod(0o644)
        found = examined(home, "--repair", code=1)
        assert "No space left on device" in found["disk"]["found"]
        assert found["permissions"]["status"] == "mended"


def test_a_read_only_disk_is_told_and_the_rest_is_examined(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "8m") as small:
        home = OneShot(small / "home")
        home("enqueue", "true")
        (home.home / "queue.db").chmod(0o644)
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        found = examined(home, "--repair", code=1)
        assert found["disk"]["found"].endswith("is mounted read-only")
        assert found["permissions"]["found"].startswith("cannot be mended: ")
        assert {"engine", "clock"}.isdisjoint(found)


def test_a_clock_behind_the_store_is_told(home: OneShot) -> None:
    ahead = FakeClock()
    ahead.instant = time.time_ns() // 1000 + round(3.5 * 3600) * SECOND
    with SqliteStore(str(home.home / "queue.db"), ahead) as store:
        store.add([spec("later")])
    found = examined(home)["clock"]
    assert "the store knows of something 3 hours " in found["found"]
