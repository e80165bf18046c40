"""What is left of earlier supervisors: settled only once nothing of it lives."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuectl.domain.fleet import Desired, Supervisor
from queuectl.domain.lifecycle import End
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.supervision.rescue import Rescue
from queuectl.processes.system import identity, leftovers
from queuectl.processes.system.ledger import Ledger
from queuectl.queue import JobQueue
from queuectl.stores.exchange import Assignment, Demand
from tests.support.waiting import until


def supervisor(name: str, home: Home) -> Supervisor:
    pid, boot = os.getpid(), identity.boot()
    return Supervisor(
        name, identity.host(), str(home), pid, 1, boot, "1", Desired.RUN, 1, 1, None, None
    )


class Remains:
    """A run of a supervisor that is gone, and the rescue of its successor."""

    def __init__(self, queue: JobQueue) -> None:
        self.queue, store = queue, queue.store
        store.enter(supervisor("old", queue.home))
        [worker] = store.want_workers("old", 1, 1, (), Desired.RUN)
        queue.enqueue("true")
        demand = Demand(worker.id, (), 1)
        self.run: Assignment = store.turn("old", demands=[demand]).assignments[0]
        self.lock = queue.home.worker_lock(worker.id)
        me = supervisor("new", queue.home)
        store.enter(me)
        self.rescue = Rescue(store, queue.home, me)

    def hold(self, *, begun: bool) -> int:
        self.queue.home.make_locks()
        descriptor = locks.acquire(self.lock)
        assert descriptor is not None
        if begun:
            Ledger(descriptor, 1).begin(self.run.row, self.run.lease)
        return descriptor


@pytest.fixture
def remains(tmp_path: Path) -> Iterator[Remains]:
    with JobQueue(str(tmp_path)) as queue:
        yield Remains(queue)


def test_a_run_whose_worker_lives_is_unsettled(remains: Remains) -> None:
    held = remains.hold(begun=True)
    assert remains.rescue.remains() == []
    assert remains.rescue.unsettled
    os.close(held)
    [over] = remains.rescue.remains()
    assert over.outcome.end is End.SUPERVISOR_DIED
    assert not remains.rescue.unsettled


def test_a_run_that_is_being_killed_is_unsettled_until_it_is_gone(remains: Remains) -> None:
    os.close(remains.hold(begun=True))
    mark = leftovers.marker(remains.queue.store.uuid, remains.run.row, remains.run.lease)
    survivor = subprocess.Popen(["sleep", "300"], env={leftovers.MARKER: mark})
    try:
        assert remains.rescue.remains() == []
        assert remains.rescue.unsettled
        [over] = until(remains.rescue.remains)
        assert over.outcome.end is End.SUPERVISOR_DIED
    finally:
        survivor.kill()
        assert survivor.wait() == -9


def test_a_run_that_never_began_goes_back_uncharged(remains: Remains) -> None:
    os.close(remains.hold(begun=False))
    [over] = remains.rescue.remains()
    assert over.outcome.end is End.RETURNED
    remains.queue.store.turn("new", ended=[over])
    assert remains.rescue.remains() == []
    assert not remains.rescue.unsettled


def test_a_program_that_is_just_being_loaded_is_found(remains: Remains) -> None:
    mark = leftovers.marker(remains.queue.store.uuid, 1, 1)
    for _ in range(200):
        with subprocess.Popen(["sleep", "300"], env={leftovers.MARKER: mark}) as child:
            found = leftovers.marker_of(child.pid)
            child.kill()
        assert found == mark
