"""How commands start, stop and wait for workers: wishes in the store, and a wake-up."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from queuectl.domain.errors import NoSuchWorker, ProcessFailed, StoreBusy, SupervisorLost
from queuectl.domain.fleet import Desired, Supervisor, Worker, WorkerStatus
from queuectl.home import locks, notice, private, wake
from queuectl.processes.supervision.takeover import Vigil, kill, take_over, unblock, wipe_out
from queuectl.processes.system import identity, launching
from queuectl.queue import JobQueue

Done = TypeVar("Done")

_PATIENCE = 60.0
_LOOK_EVERY = 0.01
_BEYOND_GRACE = 10.0
_TROUBLE_IS_LASTING = 5.0


def start_workers(
    queue: JobQueue,
    count: int,
    slots: int = 1,
    queues: Sequence[str] = (),
    *,
    drain: bool = False,
) -> list[Worker]:
    """Start workers, and a detached supervisor where none runs; returns once all have a pid.

    Raises `ProcessFailed` where they do not come up.
    """
    desired = Desired.DRAIN if drain else Desired.RUN
    deadline = time.monotonic() + _PATIENCE
    watch = Watch(queue)
    while time.monotonic() < deadline:
        holder = _ensure_supervisor(queue, deadline, watch)
        want = partial(queue.store.want_workers, holder.id, count, slots, tuple(queues), desired)
        try:
            rows = watch.free(want)
        except SupervisorLost:  # it is on its way out
            time.sleep(_LOOK_EVERY)
            continue
        wake.ring(queue.home.wake)
        started = _await_pids(queue, rows, deadline, watch)
        if started is not None:
            return started
    raise ProcessFailed(f"workers did not start within {_PATIENCE:g} s: see {queue.home.log}")


def _await_pids(
    queue: JobQueue, rows: list[Worker], deadline: float, watch: Watch
) -> list[Worker] | None:
    """The rows once all have a pid, None if the supervisor went away before, or had to.

    Raises `ProcessFailed` where the supervisor says that it cannot write them down.
    """
    trouble = _Trouble(queue, "they start once it is over")
    while time.monotonic() < deadline:
        watch.look()
        current = [queue.store.worker(row.id) for row in rows]
        if all(row.pid is not None for row in current):
            return current
        trouble.look()
        if queue.supervisor() is None:
            for row in current:
                queue.store.set_worker(row.id, WorkerStatus.STOPPED)
            return None
        time.sleep(_LOOK_EVERY)
    return None


class Watch:
    """Ends a supervisor of this host that gives no sign of life while somebody waits.

    `ended` are those that it found.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._store, self._patience = queue.store, queue.settings().patience
        self._vigil = Vigil(identity.host(), identity.boot(), queue.store.url)
        self.ended: list[Supervisor] = []

    def look(self) -> bool:
        """Look for signs of life, again and again; whether one was found without."""
        silent = self._vigil.look(self._store.supervisors(), self._patience)
        if silent is None:
            return False
        take_over(self._store, silent)
        self.ended.append(silent)
        return True

    def unblock(self) -> bool:
        """End who was stopped with the lock of the store in its hand; whether one was found."""
        ended = unblock(self._store, self._vigil)
        self.ended += ended or []
        return ended is not None

    def free(self, write: Callable[[], Done]) -> Done:
        """What a write answers, though one that was stopped amid another keeps the store locked."""
        while True:
            self.look()
            try:
                return write()
            except StoreBusy:
                if not self.unblock():
                    raise


def _ensure_supervisor(queue: JobQueue, deadline: float, watch: Watch) -> Supervisor:
    while time.monotonic() < deadline:
        watch.look()
        holder = queue.supervisor()
        if holder is not None and not holder.desired.stops:
            return holder
        if locks.is_held(queue.home.supervisor_lock):
            time.sleep(_LOOK_EVERY)  # one is on its way in or out
            continue
        try:
            _launch(queue)
        except ProcessFailed:
            if not watch.unblock():  # it, too, may have found the store locked
                raise
    raise ProcessFailed(f"the supervisor did not start: see {queue.home.log}")


def _launch(queue: JobQueue) -> None:
    """Start a detached supervisor and wait for its word; raises `ProcessFailed`."""
    reader, writer = os.pipe()
    try:
        with open(queue.home.log, "ab", opener=private.open_file) as crash_log:
            subprocess.run(
                launching.argv("supervisor", "--ready", str(writer)),
                env=launching.environment(str(queue.home), queue.store.url),
                stdin=subprocess.DEVNULL,
                stdout=crash_log,
                stderr=crash_log,
                pass_fds=[writer],
                cwd="/",
                check=False,
            )
    except OSError as error:
        os.close(reader)
        reason = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
        raise ProcessFailed(f"the supervisor cannot be started: {reason}") from error
    finally:
        os.close(writer)
    with open(reader, "rb") as answers:
        answer = answers.readline().decode(errors="replace")
    if answer not in ("\n", "held\n"):
        raise ProcessFailed(answer.strip() or f"the supervisor failed: see {queue.home.log}")


def stop_workers(
    queue: JobQueue,
    worker_ids: Sequence[str] = (),
    *,
    now: bool = False,
    watch: Watch | None = None,
) -> bool:
    """Wish the end of these workers, or of all with supervisor and scheduler; returns at once.

    False if nothing was running. Raises `NoSuchWorker`.
    """
    desired = Desired.STOP_NOW if now else Desired.STOP
    living = [row.id for row in queue.workers()]
    mine = [row.id for row in own_workers(queue)]
    for worker_id in worker_ids:
        if worker_id not in living:
            raise NoSuchWorker(worker_id, living)
    holder = queue.supervisor()
    watch = watch or Watch(queue)
    watch.free(partial(queue.store.wish_workers, list(worker_ids) or mine, desired))
    if holder is not None and not worker_ids:
        watch.free(partial(queue.store.wish_supervisor, holder.id, desired))
    wake.ring(queue.home.wake)
    return bool(worker_ids or mine) or holder is not None


def own_workers(queue: JobQueue) -> list[Worker]:
    """The workers of this home that live or are to live."""
    known = queue.store.supervisors()
    elsewhere = {one.id for one in known if one.ended_at is None and not queue.is_ours(one)}
    return [row for row in queue.workers() if row.supervisor not in elsewhere]


def stopped(queue: JobQueue, worker_ids: Sequence[str] = ()) -> bool:
    """Whether these workers have ended, or, without ids, everything of this home has."""
    if worker_ids:
        return not {row.id for row in queue.workers()}.intersection(worker_ids)
    return not own_workers(queue) and not locks.is_held(queue.home.supervisor_lock)


def await_stop(
    queue: JobQueue,
    worker_ids: Sequence[str] = (),
    tick: Callable[[], None] = lambda: None,
    watch: Watch | None = None,
) -> None:
    """Return once `stopped`; `tick` is called at each look.

    Raises `ProcessFailed` where the supervisor says that it cannot end, since outcomes wait. One
    that gives no sign of life is killed with what it runs, as the `watch` tells.
    """
    watch = watch or Watch(queue)
    trouble = _Trouble(queue, "the workers stop once it is over")
    insist_at = time.monotonic() + 2 * queue.settings().kill_grace + _BEYOND_GRACE
    while not stopped(queue, worker_ids):
        watch.look()
        tick()
        trouble.look()
        if time.monotonic() > insist_at:
            _end_orphans(queue)
        time.sleep(_LOOK_EVERY)


def _end_orphans(queue: JobQueue) -> None:
    """Kill the workers that were to stop at once and have no supervisor who would insist."""
    known = queue.store.supervisors()
    alive = {one.id for one in known if identity.may_be_alive(one.pid, one.pid_started)}
    for row in own_workers(queue):
        if row.desired is Desired.STOP_NOW and row.supervisor not in alive:
            kill(row.pid, row.pid_started)
            wipe_out(queue.store, [one for one in queue.store.holdings() if one.worker == row.id])


class _Trouble:
    """Whether the supervisor keeps saying that something is wrong."""

    def __init__(self, queue: JobQueue, outlook: str) -> None:
        self._lock, self._outlook = queue.home.supervisor_lock, outlook
        self._since = time.monotonic()

    def look(self) -> None:
        """Raises `ProcessFailed` once that has lasted."""
        told = notice.read(self._lock)
        if told is None:
            self._since = time.monotonic()
        elif time.monotonic() - self._since > _TROUBLE_IS_LASTING:
            raise ProcessFailed(f"{told}; {self._outlook}")


def foreground_argv(
    queue: JobQueue, count: int, slots: int, queues: Sequence[str], *, drain: bool
) -> list[str]:
    """The program and arguments that run a supervisor with workers in the foreground.

    To be run with `foreground_environment`; exit code `supervisor.HELD` where one runs already.
    """
    named = [word for name in queues for word in ("--queue", name)]
    drained = ["--drain"] if drain else []
    numbers = ["--count", str(count), "--slots", str(slots)]
    return launching.argv("supervisor", "--foreground", *numbers, *named, *drained)


def foreground_environment(queue: JobQueue) -> dict[str, str]:
    """The environment for `foreground_argv`."""
    return launching.environment(str(queue.home), queue.store.url)
