"""The composition root: from home and store options to a queue, opened when first needed."""

import os
from functools import cached_property
from typing import NamedTuple

from queuectl.home.folder import Home, database_in, locate
from queuectl.queue import JobQueue, store_url


class Place(NamedTuple):
    """Where a queue is, whether it can be opened or not: the path of its home, its store's URL."""

    home: str
    store: str


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
    def place(self) -> Place:
        """Where the queue is; nothing is opened or made. Raises `HomeUnusable`."""
        home = os.path.realpath(locate(self._home, os.environ))
        return Place(home, store_url(self._store, database_in(home)))

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
