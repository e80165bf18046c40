"""A real queue in a home of its own, driven as a user and a vandal would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from queuectl import JobQueue
from queuectl.domain.job import Job
from queuectl.home import locks
from queuectl.processes import control
from queuectl.processes.system import identity, leftovers
from tests.support.waiting import until

NAMES = ("supervisor", "nursery", "scheduler", "worker", "caretaker")
COMMAND = [sys.executable, "-P", "-m", "queuectl"]


class Installation:
    """A home, its queue as the API opens it, and its processes by name."""

    def __init__(self, folder: Path, store: str | None = None) -> None:
        self.path = folder
        self.queue = JobQueue(str(folder), store)

    def ctl(
        self, *words: str, stdin: str = "", code: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run a one-shot command; `code` is the exit code that it must have."""
        done = subprocess.run(
            [*COMMAND, "--home", str(self.path), *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert code is None or done.returncode == code, (words, done)
        return done

    def start(self, count: int = 1, slots: int = 1, *, drain: bool = False) -> list[int]:
        """Start workers; their pids."""
        workers = control.start_workers(self.queue, count, slots, drain=drain)
        return [worker.pid or 0 for worker in workers]

    def stop(self, *, now: bool = True) -> None:
        control.stop_workers(self.queue, now=now)
        until(lambda: control.stopped(self.queue), "everything stopped")

    @property
    def supervisor(self) -> int:
        holder = self.queue.supervisor()
        assert holder is not None
        return holder.pid

    def processes(self, name: str) -> list[int]:
        """Pids of processes of this home whose title begins with `queuectl: NAME`."""
        return [pid for pid in _pids() if self._is(pid, name)]

    def _is(self, pid: int, name: str) -> bool:
        try:
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        home = b"QUEUECTL_HOME=" + os.fsencode(self.path) + b"\0"
        return title.startswith(b"queuectl: " + name.encode()) and home in environment

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        os.kill(pid, number)
        if number == signal.SIGKILL:
            until(lambda: not identity.started(pid), f"{pid} gone")

    def kill_all(self, *jobs: Job) -> None:
        """Kill all processes of this home, and of these jobs; returns once they are gone."""
        for pid in [pid for name in NAMES for pid in self.processes(name)]:
            with suppress(ProcessLookupError):  # some end with others
                os.kill(pid, signal.SIGKILL)
        for pid in [pid for job in jobs for pid in self.of_job(job)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self.processes("") and not any(map(self.of_job, jobs)), "all are gone")

    def of_job(self, job: Job) -> list[int]:
        """Pids of living processes that carry a marker of the job, whatever the lease."""
        begin = f"{self.queue.store.uuid}:{job.row}:"
        return [
            pid
            for pid, mark in leftovers.marked()
            if mark.startswith(begin) and identity.started(pid)
        ]

    def runs(self, job: Job) -> list[str]:
        return [str(run.end) for run in self.queue.runs(job)]

    def note_of(self, worker_id: str) -> str:
        return self.queue.store.worker(worker_id).note or ""

    def state(self, job: Job) -> str:
        return str(self.queue.get(job.id).state)

    def close(self) -> None:
        """Stop all that lives, by force where nothing else helps."""
        try:
            self.stop()
        finally:
            self.kill_all()
            self.queue.close()
        assert not locks.is_held(self.queue.home.supervisor_lock)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
