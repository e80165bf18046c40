"""What the doctor sees of processes, looked at from inside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from queuectl import JobQueue
from queuectl.processes.examination import machine, site, strays
from queuectl.processes.examination.examination import examine
from queuectl.processes.examination.finding import Finding, Verdict
from queuectl.processes.examination.site import Site, lasting
from queuectl.processes.system import identity, launching
from queuectl.stores.sqlite import engine
from queuectl.stores.upkeep import Engine
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "_PAUSE", 0.01)
    monkeypatch.setattr(strays, "_YOUTH", 0.0)


@pytest.fixture
def place(tmp_path: Path) -> Site:
    JobQueue(str(tmp_path / "home")).close()
    return Site(str(tmp_path / "home"), f"sqlite://{tmp_path}/home/queue.db")


@pytest.fixture
def nursery(place: Site) -> Iterator[int]:
    """A process of the queue that no supervisor has started."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = launching.spawn("nursery", [], place.path, place.url, theirs.fileno())
    theirs.close()
    until(lambda: b"queuectl: nursery" in Path(f"/proc/{pid}/cmdline").read_bytes())
    yield pid
    ours.close()
    os.waitpid(pid, 0)


def found(place: Site, check: str, *, repair: bool = False) -> list[Finding]:
    return [one for one in examine(place.path, place.url, repair=repair) if one.check == check]


def test_a_process_of_the_queue_that_nothing_knows_is_killed(place: Site, nursery: int) -> None:
    (stray,) = found(place, "processes of the queue")
    assert (stray.verdict, f"PID {nursery} " in stray.found) == (Verdict.PROBLEM, True)
    _, mended = found(place, "processes of the queue", repair=True)
    assert mended.found == f"killed PID {nursery} ('queuectl: nursery')"
    (after,) = found(place, "processes of the queue")
    assert after.verdict is Verdict.OK


def test_one_that_has_just_begun_gets_time(
    place: Site, nursery: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strays, "_YOUTH", 1000.0)
    (fine,) = found(place, "processes of the queue")
    assert fine.verdict is Verdict.OK


def test_one_that_holds_a_lock_is_told_of_only(place: Site, nursery: int) -> None:
    place.home.make_locks()
    lock = os.open(place.home.worker_lock("worker_1_0"), os.O_RDWR | os.O_CREAT, 0o600)
    title = "queuectl: worker 9"
    holder = subprocess.Popen(
        ["bash", "-c", f"exec -a {title!r} sleep 300"],
        env=launching.environment(place.path, place.url),
        pass_fds=[lock],
    )
    try:
        until(lambda: title.encode() in Path(f"/proc/{holder.pid}/cmdline").read_bytes())
        findings = found(place, "processes of the queue", repair=True)
        told = [one for one in findings if f"PID {holder.pid} " in one.found]
        assert [one.verdict for one in told] == [Verdict.PROBLEM]
        assert identity.started(holder.pid)
    finally:
        holder.kill()
        holder.wait()
        os.close(lock)


def test_a_suspicion_has_to_last() -> None:
    looks = iter([{"a": 1, "b": 1}, {"a": 2}, *({"a": 3, "c": 1} for _ in range(20))])
    assert lasting(lambda: next(looks)) == {"a": 3}
    assert lasting(dict) == {}
    passing = iter([{"a": 1}, {}])
    assert lasting(lambda: next(passing)) == {}


def test_a_process_is_not_killed_in_the_place_of_another(place: Site) -> None:
    process = subprocess.Popen(["sleep", "300"])
    try:
        started = identity.started(process.pid)
        assert strays._end(place, strays.Process(process.pid, started - 1)) is None
        assert strays._end(place, strays.Process(process.pid, started)) is None  # no marker
        assert identity.started(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_an_engine_that_can_damage_stores_is_warned_of(
    place: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    flawed = Engine("SQLite", "3.45.1", 1, "it can damage a store")
    monkeypatch.setattr(machine, "engine_of", lambda url: flawed)
    (told,) = found(place, "engine")
    assert (told.verdict, told.found) == (
        Verdict.WARNING,
        "SQLite 3.45.1: it can damage a store",
    )


def test_a_clock_that_is_before_the_queue_was_written_is_told(
    place: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 86400 * 10**9)
    (told,) = found(place, "clock")
    assert (told.verdict, told.found) == (
        Verdict.PROBLEM,
        "it says 1970-01-02 00:00:00 UTC, which is past",
    )


def test_a_large_wal_is_warned_of(place: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (fine,) = found(place, "wal")
    monkeypatch.setattr(machine, "_LARGE_WAL", 1000)
    with JobQueue(place.path) as queue:
        queue.enqueue("true")
        (told,) = found(place, "wal")
    assert (fine.verdict, told.verdict) == (Verdict.OK, Verdict.WARNING)


@pytest.mark.parametrize(
    ("limit", "verdict"), [("_LITTLE", Verdict.WARNING), ("_TOO_LITTLE", Verdict.PROBLEM)]
)
def test_little_room_is_told(
    place: Site, monkeypatch: pytest.MonkeyPatch, limit: str, verdict: Verdict
) -> None:
    monkeypatch.setattr(machine, "_LITTLE", 2**62)
    monkeypatch.setattr(machine, limit, 2**62)
    (told,) = found(place, "disk")
    assert told.verdict is verdict


def test_few_inodes_are_told(place: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(place.path)
    values = {name: getattr(real, name) for name in dir(real) if name.startswith("f_")}

    class Scarce:
        def __init__(self, free: int) -> None:
            self.__dict__.update(values, f_files=10_000, f_favail=free)

    for free, verdict in ((500, Verdict.WARNING), (50, Verdict.PROBLEM)):
        monkeypatch.setattr(os, "statvfs", lambda path, free=free: Scarce(free))
        (told,) = found(place, "disk")
        assert (told.verdict, f"{free} inodes free" in told.found) == (verdict, True)


def test_two_engines_are_compared_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, sound in (("3.51.2", False), ("3.51.3", True), ("3.100.0", True), ("4.0", True)):
        monkeypatch.setattr(apsw, "sqlite_lib_version", lambda version=version: version)
        assert (engine().flaw is None) is sound
