"""The composition root: from home and store options to a queue, opened when first needed."""

from __future__ import annotations

from functools import cached_property

from queuectl.home.folder import Home
from queuectl.queue import JobQueue


class App:
    """What one front end works with; `home` and `store` are options, None means the default."""

    def __init__(self, home: str | None = None, store: str | None = None) -> None:
        self._home, self._store = home, store
        self._opened = False

    @cached_property
    def queue(self) -> JobQueue:
        """The queue, opened at the first use; raises `HomeUnusable` or `StoreError`."""
        queue = JobQueue(self._home, self._store)
        self._opened = True
        return queue

    @property
    def home(self) -> Home:
        """The home folder."""
        return self.queue.home

    def close(self) -> None:
        """Let go of whatever was opened."""
        if self._opened:
            self.queue.close()
            self._opened = False
            del self.queue
