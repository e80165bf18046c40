"""A home with its queue and its workers, all of which end with it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from benchmarks.comparison import WorkNotDone
from queuectl import JobQueue
from queuectl.checks import survivors
from queuectl.domain.job import Job
from queuectl.domain.lifecycle import State
from queuectl.domain.selection import Selection
from queuectl.processes import control

_LOOK_EVERY = 0.05  # seconds; seldom enough to take no time from what is measured
_STALLED = 60.0  # seconds without a job completed
_STOPPED = 30.0
_EXERCISE = 200  # jobs
_TAIL = 1_000  # as many jobs as ever run at once
# What clock_getcpuclockid(3) gives for a pid: user and system time of all threads, in nanoseconds,
# where the ticks of /proc/PID/stat are as long as an idle process runs in a minute.
_CPU_CLOCK = 2


class Installation:
    """The queue of a home, driven through the Python API; as a context manager it ends whole."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.queue = JobQueue(str(home))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.stop()
        finally:
            survivors.end(self.queue.home.path)
            self.queue.close()

    def start(self, count: int, slots: int = 1) -> None:
        """Start that many workers more."""
        control.start_workers(self.queue, count, slots)

    def stop(self) -> None:
        """End all workers, supervisor and scheduler now; raises `WorkNotDone` if they stay."""
        control.stop_workers(self.queue, now=True)
        deadline = time.monotonic() + _STOPPED
        while not control.stopped(self.queue):
            if time.monotonic() > deadline:
                raise WorkNotDone(f"workers did not stop within {_STOPPED:g} s")
            time.sleep(_LOOK_EVERY)

    def add(self, wishes: Iterable[Mapping[str, Any]]) -> list[str]:
        """Enqueue all in one transaction; their ids."""
        return [job_id for job_id, _ in self.queue.enqueue_many(wishes).jobs]

    def count(self, state: State) -> int:
        """How many jobs are in a state."""
        tallies = self.queue.store.tallies()
        return sum(count for (_, known), count in tallies.items() if known is state)

    def await_completed(self, job_ids: Sequence[str], total: int) -> list[Job]:
        """The jobs, once all have completed: they are next to run, and then `total` have.

        Raises `WorkNotDone` where nothing goes on, or where
        not each was completed by its first attempt.
        """
        done, deadline = -1, 0.0
        while done < total:
            before, done = done, self.count(State.COMPLETED)
            if done > before:
                deadline = time.monotonic() + _STALLED
            elif time.monotonic() > deadline:
                raise WorkNotDone(f"only {done} of {total} jobs completed in {self.home}")
            time.sleep(_LOOK_EVERY)
        self.queue.wait(job_ids[-_TAIL:], _STALLED)
        jobs = list(self.queue.find(Selection(ids=tuple(job_ids))))
        good = sum(job.state is State.COMPLETED and job.attempts == 1 for job in jobs)
        if good != len(job_ids):
            raise WorkNotDone(f"{good} of {len(job_ids)} jobs completed at the first attempt")
        return jobs

    def settle(self, seconds: float) -> None:
        """Run some trivial jobs, then wait: what is idle from now on has worked before."""
        total = self.count(State.COMPLETED) + _EXERCISE
        self.await_completed(self.add([{"command": "true"}] * _EXERCISE), total)
        time.sleep(seconds)

    def share_of_a_core(self, seconds: float) -> float:
        """Per cent of one core that all processes take together while nothing is to be done."""
        began, before = time.monotonic(), self._processor_times()
        time.sleep(seconds)
        after, elapsed = self._processor_times(), time.monotonic() - began
        if before.keys() != after.keys():
            raise WorkNotDone("an idle installation started or ended processes")
        return 100 * (sum(after.values()) - sum(before.values())) / elapsed

    def _processor_times(self) -> dict[int, float]:
        """Seconds of user and system time by process."""
        pids = [process.pid for process in self.processes()]
        return {pid: time.clock_gettime(~pid << 3 | _CPU_CLOCK) for pid in pids}

    def processes(self) -> list[psutil.Process]:
        """All processes of this home that live."""
        return [process for process in psutil.process_iter() if self._is_mine(process)]

    def _is_mine(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return process.environ().get("QUEUECTL_HOME") == self.queue.home.path
        return False
