"""Fills a store as years of use would, through the contract that every store keeps."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
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
_LINE = b"one of the sixteen lines of a log, 64 bytes with its newline..\n"
_FAR = 30 * 86400  # seconds

Ending = Callable[[Assignment], Ended]


def fill(queue: JobQueue, finished: int, pending: int) -> None:
    """Add that many jobs, run the first of them on paper, and leave the rest pending.

    Finished jobs have an attempt, a history and a line of output, as if a worker had run them;
    pending ones are trivial, for workers may come by.
    """
    default = queue.default_spec()
    done = default._replace(command="convert input.png -resize 50% output.jpg", tags=("photos",))
    _add(queue.store, done, finished)
    _run_on_paper(queue.store, str(queue.home), finished, _success)
    _add(queue.store, default._replace(command="true"), pending)


def crowd(queue: JobQueue, count: int, queues: int) -> None:
    """Add that many jobs with 1 KB of output each, that many that failed and wait for their next
    attempt, and that many that are scheduled, in so many queues.
    """
    default = queue.default_spec()._replace(command="make all")
    patient = queue.checked({"command": "make all", "backoff": "fixed:30d"}, default)
    late = queue.checked({"command": "make all", "delay": _FAR}, default)
    _add(queue.store, default, count, queues)
    _run_on_paper(queue.store, str(queue.home), count, _talkative)
    _add(queue.store, patient, count, queues)
    _run_on_paper(queue.store, str(queue.home), count, _failure)
    _add(queue.store, late, count, queues)


def _add(store: Store, spec: JobSpec, count: int, queues: int = 0) -> None:
    """Add jobs in the queue of the spec, or in so many queues of their own."""
    specs = [spec._replace(queue=f"queue-{number}") for number in range(queues)] or [spec]
    for batch in _batches(range(count), _BATCH):
        store.add([specs[number % len(specs)] for number in batch])


def _run_on_paper(store: Store, home: str, count: int, end: Ending) -> None:
    supervisor = _supervisor(home)
    store.enter(supervisor)
    [worker] = store.want_workers(supervisor.id, 1, _TURN, (), Desired.RUN)
    ended: list[Ended] = []
    while count or ended:
        demands = [Demand(worker.id, (), min(_TURN, count))] if count else []
        assignments = store.turn(supervisor.id, (), ended, demands).assignments
        count -= len(assignments)
        ended = list(map(end, assignments))
    store.set_worker(worker.id, WorkerStatus.STOPPED)
    store.leave(supervisor.id)


def _success(assignment: Assignment) -> Ended:
    output = encode(Frame(STDOUT, 0, b"640x480 -> 320x240 in 12 ms\n"))
    outcome = Outcome(End.EXITED, 0)
    return Ended(assignment.row, assignment.lease, outcome, 0.012, output)


def _talkative(assignment: Assignment) -> Ended:
    output = encode(Frame(STDOUT, 0, _LINE * 16))
    return _success(assignment)._replace(output=output)


def _failure(assignment: Assignment) -> Ended:
    return _success(assignment)._replace(outcome=Outcome(End.EXITED, 2))


def _supervisor(home: str) -> Supervisor:
    now, pid = time.time_ns() // 1000, os.getpid()
    return Supervisor(
        id=f"supervisor_filling_{now}",
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
