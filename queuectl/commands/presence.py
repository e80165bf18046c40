"""Who is there to run jobs: workers that really live, and supervisors that died."""

from __future__ import annotations

from queuectl.commands.command import Context
from queuectl.domain.fleet import Supervisor, Worker, WorkerStatus
from queuectl.domain.timing import SECOND
from queuectl.home import locks
from queuectl.queue import JobQueue


def living_workers(queue: JobQueue) -> list[Worker]:
    """The workers whose supervisor lives; what a dead one left in the store does not count."""
    workers = queue.workers()
    if not workers:
        return []
    living = _living_supervisors(queue)
    return [worker for worker in workers if worker.supervisor in living]


def orphans(queue: JobQueue) -> list[Worker]:
    """The workers of this home that outlive their supervisor; they end with what they run."""
    living = _living_supervisors(queue)
    return [
        worker._replace(status=WorkerStatus.STOPPING)
        for worker in queue.workers()
        if worker.supervisor not in living and locks.is_held(queue.home.worker_lock(worker.id))
    ]


def supervisor_died(queue: JobQueue) -> bool:
    """Whether a supervisor of this home and host is gone without having ended properly."""
    if queue.supervisor() is not None:
        return False
    return any(queue.is_ours(known) for known in queue.store.supervisors())


def silent_supervisor(queue: JobQueue) -> Supervisor | None:
    """The supervisor of this home, if it lives and has given no sign of life for a lease."""
    mine = queue.supervisor()
    silent = queue.store.now() - round(queue.settings().patience * SECOND)
    return mine if mine is not None and mine.heartbeat_at < silent else None


def warn_if_nobody_works(context: Context) -> None:
    """Say on stderr that a wait may be long."""
    if not living_workers(context.queue):
        context.warn("no worker is running: run worker start")


def _living_supervisors(queue: JobQueue) -> set[str]:
    mine = queue.supervisor()
    silent = queue.store.now() - round(queue.settings().patience * SECOND)
    elsewhere = {
        known.id
        for known in queue.store.supervisors()
        if known.ended_at is None and not queue.is_ours(known) and known.heartbeat_at >= silent
    }
    return elsewhere | ({mine.id} if mine else set())
