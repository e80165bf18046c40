"""Fills a store as years of use would, through the contract that every store keeps."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from itertools import islice

import queuectl
from queuectl import JobQueue
from queuectl.domain.fleet import Desired, Supervisor, WorkerStatus
from queuectl.domain.job import JobSpec
from queuectl.domain.lifecycle import End, Outcome
from queuectl.domain.transcript import STDOUT, Frame, encode
from queuectl.processes.system import identity
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Assignment, Demand, Ended

_TURN = 5_000  # jobs that one transaction claims and records
_BATCH = 50_000  # jobs that one transaction adds


def fill(queue: JobQueue, finished: int, pending: int) -> None:
    """Add that many jobs, run the first of them on paper, and leave the rest pending.

    Finished jobs have an attempt, a history and a line of output, as if a worker had run them;
    pending ones are trivial, for workers may come by.
    """
    default = queue.default_spec()
    done = default._replace(command="convert input.png -resize 50% output.jpg", tags=("photos",))
    _add(queue.store, done, finished)
    _run_on_paper(queue.store, str(queue.home), finished)
    _add(queue.store, default._replace(command="true"), pending)


def _add(store: Store, spec: JobSpec, count: int) -> None:
    for batch in _batches(range(count), _BATCH):
        store.add([spec] * len(batch))


def _run_on_paper(store: Store, home: str, count: int) -> None:
    supervisor = _supervisor(home)
    store.enter(supervisor)
    [worker] = store.want_workers(supervisor.id, 1, _TURN, (), Desired.RUN)
    ended: list[Ended] = []
    while count or ended:
        demands = [Demand(worker.id, (), min(_TURN, count))] if count else []
        assignments = store.turn(supervisor.id, (), ended, demands).assignments
        count -= len(assignments)
        ended = list(map(_success, assignments))
    store.set_worker(worker.id, WorkerStatus.STOPPED)
    store.leave(supervisor.id)


def _success(assignment: Assignment) -> Ended:
    output = encode(Frame(STDOUT, 0, b"640x480 -> 320x240 in 12 ms\n"))
    outcome = Outcome(End.EXITED, 0)
    return Ended(assignment.row, assignment.lease, outcome, 0.012, output)


def _supervisor(home: str) -> Supervisor:
    now, pid = time.time_ns() // 1000, os.getpid()
    return Supervisor(
        id="supervisor_filling",
        host=identity.host(),
        home=home,
        pid=pid,
        pid_started=identity.started(pid),
        boot=identity.boot(),
        version=queuectl.__version__,
        desired=Desired.RUN,
        started_at=now,
        heartbeat_at=now,
        ended_at=None,
        note=None,
    )


def _batches(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    remaining = iter(numbers)
    while batch := list(islice(remaining, size)):
        yield batch
