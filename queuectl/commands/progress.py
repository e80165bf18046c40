"""The live view of workers: which job each takes up, until nothing is pending."""

from __future__ import annotations

import time
from collections.abc import Sequence

from queuectl.commands.command import Context
from queuectl.commands.tables import paint
from queuectl.domain.fleet import Worker
from queuectl.domain.job import Job
from queuectl.domain.lifecycle import ENDED, State
from queuectl.domain.selection import Order, Page, Selection, SortKey

_LOOK_EVERY = 0.05
_SETTLE = 1.0  # seconds that running jobs get to end, before they are counted as running
# Jobs under watch from the start; a quick one beyond them may come and go between two looks.
_MOST_WATCHED = 500


class Progress:
    """Says each start of a job after its own making once: `[Worker 0] Processing job: X`."""

    def __init__(self, context: Context) -> None:
        self._context, self._queue = context, context.queue
        waiting = Selection(states=(State.PENDING, State.PROCESSING))
        first = Order(SortKey.PRIORITY, descending=True)
        jobs = self._queue.find(waiting, first, Page(_MOST_WATCHED))
        self._watched = {job.id: _before(job) for job in jobs}
        self._said: set[tuple[str, int]] = set()
        self._numbers: dict[str, int] = {}
        self._version = -1

    def look(self) -> None:
        """Say what has started since the last look."""
        version = self._queue.store.data_version()
        if version == self._version:
            return
        self._version = version
        starts = [(job.lease, job.id, job.worker or "") for job in self._started()]
        starts += [(each.lease, each.id, each.worker) for each in self._queue.holdings()]
        for lease, job_id, worker in starts:
            if (job_id, lease) not in self._said:
                self._said.add((job_id, lease))
                self._say(worker, job_id)
        self._context.out.flush()

    def _started(self) -> list[Job]:
        if not self._watched:
            return []
        jobs = list(self._queue.find(Selection(ids=tuple(self._watched))))
        started = [job for job in jobs if job.lease > self._watched[job.id] and job.worker]
        for job in started:
            self._watched[job.id] = job.lease
        for job in jobs:
            if job.state in ENDED:
                del self._watched[job.id]
        return sorted(started, key=lambda job: job.started_at or 0)

    def _say(self, worker: str, job_id: str) -> None:
        if worker not in self._numbers:
            self._numbers = {row.id: row.number for row in self._queue.workers()}
        number = self._numbers.get(worker, worker.rpartition("_")[2])
        self._context.say(
            f"{paint(self._context, f'[Worker {number}]', 'cyan')} Processing job: {job_id}"
        )


def watch(context: Context, workers: Sequence[Worker], progress: Progress) -> None:
    """Show progress until nothing that these workers may run is pending."""
    settled = time.monotonic() + _SETTLE
    while True:
        progress.look()
        pending, processing = _to_do(context, workers)
        now = time.monotonic()
        if pending:
            settled = now + _SETTLE
        elif not processing or now >= settled:
            return
        time.sleep(_LOOK_EVERY)


def _before(job: Job) -> int:
    # A job that runs already is said, too: with the lease before its own.
    return job.lease - 1 if job.state is State.PROCESSING else job.lease


def _to_do(context: Context, workers: Sequence[Worker]) -> tuple[int, int]:
    served = {name for worker in workers for name in worker.queues}
    counts = {State.PENDING: 0, State.PROCESSING: 0}
    for (name, state), count in context.queue.store.tallies().items():
        if state in counts and (not served or name in served):
            counts[state] += count
    return counts[State.PENDING], counts[State.PROCESSING]
