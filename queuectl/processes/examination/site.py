"""Where the doctor looks: a home and a store, each of which may be in any condition."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TypeVar

from queuectl.domain.errors import HomeUnusable, StoreUnreachable
from queuectl.domain.secrets import masked_password
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.stores import file_of, may_exist, open_store
from queuectl.stores.contract import Store

Key = TypeVar("Key")
Value = TypeVar("Value")

# What is seen in the middle of a change is no finding: a suspicion has to last so long (seconds).
_LOOKS, _PAUSE = 6, 0.3


class Site:
    """A home by its path and a store by its URL; both are opened only when they are needed."""

    def __init__(self, path: str, url: str) -> None:
        self.path, self.url = path, url
        self.is_damaged = False  # the store contradicts itself, so nothing is done on its word
        self._opened = False

    @cached_property
    def home(self) -> Home:
        """The home, which exists; raises `HomeUnusable`."""
        if not self.has_home:  # a look makes nothing
            raise HomeUnusable(self.path, "it does not exist")
        return Home(self.path)

    @cached_property
    def store(self) -> Store:
        """The store, which exists; raises `StoreError`, or `HomeUnusable` where it lies in one."""
        if not self.has_store:
            raise StoreUnreachable(f"there is no store {self.place}")
        if self.database is not None and self.database.startswith(self.path + os.sep):
            _ = self.home  # a home that may not be used has a store that may not be
        store = open_store(self.url)
        self._opened = True
        if self.has_home:
            self.home.serving(self.url, store.uuid)
        return store

    @property
    def place(self) -> str:
        """The URL, as it may be shown."""
        return masked_password(self.url)

    @property
    def database(self) -> str | None:
        """The file of the store, None where it is none."""
        return file_of(self.url)

    @property
    def has_home(self) -> bool:
        """Whether the home exists."""
        return os.path.isdir(self.path)

    @property
    def has_store(self) -> bool:
        """Whether the store exists, or might: one that cannot be looked for is not gone."""
        return may_exist(self.url)

    @property
    def is_supervised(self) -> bool:
        """Whether a supervisor lives."""
        return locks.is_held(self.home.supervisor_lock)

    def lock_of(self, worker_id: str) -> str:
        """The lock file of a worker, in a folder that need not exist."""
        return os.path.join(self.home.locks, f"{worker_id}.lock")

    def close(self) -> None:
        """Let go of the store."""
        if self._opened:
            self.store.close()


def lasting(look: Callable[[], dict[Key, Value]]) -> dict[Key, Value]:
    """What every one of several looks finds, as the last one tells it."""
    found = look()
    for _ in range(_LOOKS):
        if not found:
            break
        time.sleep(_PAUSE)
        found = {key: value for key, value in look().items() if key in found}
    return found


def files_below(path: str) -> Iterator[os.DirEntry[str]]:
    """Everything in a folder and its subfolders; what goes away meanwhile is left out."""
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(entry.path)
