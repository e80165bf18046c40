"""What cannot be looked at, for want of a descriptor, is never taken for gone."""

from __future__ import annotations

import os
import resource
import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from queuectl.domain.fleet import Desired, Supervisor, WorkerStatus
from queuectl.home import locks
from queuectl.processes.execution import orphans
from queuectl.processes.messages import Birth, Rules
from queuectl.processes.supervision.births import Births
from queuectl.processes.supervision.register import Register
from queuectl.processes.supervision.takeover import Vigil, kill
from queuectl.processes.system import environment, identity, ledger, leftovers
from queuectl.processes.system.timers import Timers
from queuectl.queue import JobQueue
from tests.support.waiting import until


@contextmanager
def no_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_lock_counts_as_held(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    assert not locks.may_be_held(path)
    held = locks.acquire(path)
    assert held is not None
    os.close(held)
    assert not locks.may_be_held(path)
    with no_descriptors():
        assert locks.may_be_held(path)
        with pytest.raises(OSError, match="Too many open files"):
            locks.is_held(path)


def test_a_search_for_survivors_counts_one() -> None:
    assert leftovers.kill(["nobody's"]) == 0
    assert leftovers.kill([], [(os.getpid(), 1)]) == 0
    with no_descriptors():
        assert leftovers.kill(["nobody's"]) == 1
        assert leftovers.kill([], [(os.getpid(), 1)]) == 1


def test_what_a_worker_had_begun_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert ledger.read(str(path)) == set()
    path.touch()
    with no_descriptors():
        assert ledger.read(str(path)) is None


def test_neither_a_process_nor_the_machine_was_started_anew() -> None:
    with no_descriptors():
        for look in (identity.boot, lambda: identity.started(os.getpid())):
            with pytest.raises(OSError, match="Too many open files"):
                look()


def test_children_are_seen_all_the_same() -> None:
    before = orphans.children()
    with no_descriptors():
        assert orphans.children() == before


def test_a_worker_is_not_asked_for_and_can_be_asked_for_later() -> None:
    ignore = [lambda *_: None] * 3
    with selectors.DefaultSelector() as selector:
        births = Births(selector, *ignore)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        births.connect(ours)
        birth = Birth("w", 1, 0, 1, "/", "sqlite:///x", "u", Rules(0, 0, 0))
        with no_descriptors():
            assert births.ask(birth) is None
        channel = births.ask(birth)
        assert channel is not None
        channel.close()
        births.disconnect()
        theirs.close()


def test_of_what_could_not_be_written_of_a_worker_the_latest_is_written(tmp_path: Path) -> None:
    timers = Timers()
    with JobQueue(str(tmp_path)) as queue:
        store = queue.store
        pid, boot = os.getpid(), identity.boot()
        me = ("s", identity.host(), str(tmp_path), pid, 1, boot, "1", Desired.RUN, 1, 1, None, None)
        store.enter(Supervisor(*me))
        [row] = store.want_workers("s", 1, 1, (), Desired.RUN)
        register = Register(store, timers)
        with no_descriptors():
            register.write(row.id, WorkerStatus.IDLE, os.getpid())
            register.write(row.id, WorkerStatus.STOPPING)
            register.write(row.id, WorkerStatus.STOPPED, note="ended")
        assert store.worker(row.id).status is WorkerStatus.STARTING
        until(lambda: timers.fire() or store.worker(row.id).status is not WorkerStatus.STARTING)
        written = store.worker(row.id)
        assert (written.status, written.pid, written.note) == ("stopped", os.getpid(), "ended")
        assert written.pid_started == identity.started(os.getpid())


def test_nobody_is_ended_for_what_cannot_be_seen(tmp_path: Path) -> None:
    pid, store = os.getpid(), f"sqlite://{tmp_path / 'queue.db'}"
    start = identity.started(pid)
    me = Supervisor("it", "host", "/", pid, start, "boot", "1", Desired.RUN, 0, 0, None, None)
    vigil = Vigil("host", "boot", store)
    with no_descriptors():
        assert not environment.serves(pid, store)
        assert not identity.is_stopped(pid)
        assert leftovers.children(pid) == []
        assert identity.may_be_alive(pid, start)
        assert vigil.look([me], 0.0) is None
        assert vigil.blocker([me], pid) is None
        assert vigil.dead([me]) == set()
        kill(pid, start)
