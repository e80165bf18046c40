"""A second look at the queue, for what the shell shows by itself while a person types."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from queuectl.commands.command import Options
from queuectl.commands.presence import supervisor_died
from queuectl.commands.status import workers_at_work
from queuectl.domain.errors import QueuectlError
from queuectl.domain.lifecycle import State
from queuectl.home.folder import Home
from queuectl.queue import JobQueue

# Workers can vanish without any change in the store.
LOOK_ANYWAY = 5.0


class Sight(NamedTuple):
    """What the queue looked like: counts, and what a person should know."""

    jobs: dict[State, int]
    active: int = 0
    busy: int = 0
    problem: str | None = None


class Lookout:
    """Looks at the queue over a connection of its own, so that any one thread can use it.

    Looking never raises, and never makes a store anew where it was removed.
    """

    def __init__(self, options: Options, home: Home) -> None:
        self._options = options
        named = options.store or os.environ.get("QUEUECTL_STORE")
        self._file = None if named else home.database
        self._inode: int | None = None
        self._queue: JobQueue | None = None
        self._sight = Sight({})
        self._version, self._looked_at = -1, 0.0

    def look(self) -> Sight:
        """How the queue is now."""
        try:
            self._sight = self._look_at(self._opened())
        except FileNotFoundError:
            self.close()
            self._sight = Sight({}, problem="the store is gone")
        except (QueuectlError, OSError):
            self.close()
            self._sight = self._sight._replace(problem="the store does not answer")
        return self._sight

    def close(self) -> None:
        """Let go of the store."""
        if self._queue is not None:
            queue, self._queue = self._queue, None
            queue.close()

    def _opened(self) -> JobQueue:
        if self._file is not None:
            inode = os.stat(self._file).st_ino
            if inode != self._inode:
                self.close()
                self._inode = inode
        if self._queue is None:
            self._queue = JobQueue(self._options.home, self._options.store)
            self._version = -1
        return self._queue

    def _look_at(self, queue: JobQueue) -> Sight:
        version, now = queue.store.data_version(), time.monotonic()
        if version == self._version and now - self._looked_at < LOOK_ANYWAY:
            return self._sight
        jobs = queue.stats().jobs
        active, busy = workers_at_work(queue)
        problem = "supervisor died" if supervisor_died(queue) else None
        self._version, self._looked_at = version, now
        return Sight(jobs, active, busy, problem)
