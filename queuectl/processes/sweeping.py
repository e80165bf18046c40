"""Removes what killed processes left in home and store: files and rows that nothing speaks of."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

from queuectl.domain.errors import StoreError
from queuectl.domain.timing import SECOND
from queuectl.home import locks, transcripts
from queuectl.home.folder import Home
from queuectl.stores.chance import chance
from queuectl.stores.contract import Store

_A_DAY = 86400 * SECOND
_AT_ONCE = 0.05  # seconds that a sweep may look through folders of transcripts
_HOURLY = 3600.0
_LOCK = ".lock"


class Sweeper:
    """Sweeps a little now and then, so that all is swept in time and nothing is searched whole.

    Prunings and removals delete a job first and its files afterwards: whoever is killed in
    between leaves the files to this.
    """

    def __init__(self, store: Store, home: Home) -> None:
        self._store, self._home = store, home
        self._position = chance()  # of all folders, as supervisors may not live for many sweeps
        self._rows_due = 0.0

    def sweep(self) -> None:
        """Do what is due; what fails now is left to the next time."""
        with suppress(StoreError, OSError):
            self._sweep_transcripts()
            for worker_id in stale_locks(self._store, self._home):
                remove_lock(self._home, worker_id)
            if time.monotonic() >= self._rows_due:
                self._rows_due = time.monotonic() + _HOURLY
                forget_processes(self._store)

    def _sweep_transcripts(self) -> None:
        folders, end = transcripts.folders(self._home), time.monotonic() + _AT_ONCE
        start = int(self._position * len(folders))
        for count, folder in enumerate(folders[start:] + folders[:start], 1):
            sweep_folder(self._store, self._home, folder, is_last=folder == folders[-1])
            if time.monotonic() > end:
                self._position = (start + count) % len(folders) / len(folders)
                return


def orphaned(store: Store, home: Home, folder: int) -> set[tuple[int, int]]:
    """The runs, as (row, lease), that have files in a folder but are not in the store."""
    # In this order: a run is in the store before it has a file.
    runs = set(transcripts.names_in(home, folder).values())
    return runs - _known(store, folder) if runs else set()


def sweep_folder(store: Store, home: Home, folder: int, *, is_last: bool) -> int:
    """Delete the files of runs that are not in the store, and a folder of no job; how many runs."""
    orphans = orphaned(store, home, folder)
    transcripts.remove(home, orphans)
    # Files of new jobs can come to the last folder only, since no row is given out again.
    if not is_last and not _known(store, folder):
        transcripts.drop_folder(home, folder)
    return len(orphans)


def _known(store: Store, folder: int) -> set[tuple[int, int]]:
    first = folder * transcripts.ROWS
    return {(run.row, run.lease) for run in store.known_runs(first, first + transcripts.ROWS - 1)}


def stale_locks(store: Store, home: Home) -> list[str]:
    """Workers that are gone but have a lock file still, of which nobody needs to know more."""
    # In this order: a worker has a row before it has a lock file.
    names = [name for name in _names(home.locks) if name.endswith(_LOCK)]
    if not names:
        return []
    # What a dead worker had begun stands in its lock file until its runs are settled.
    needed = {worker.id for worker in store.workers()}
    needed.update(holding.worker for holding in store.holdings())
    workers = [name.removesuffix(_LOCK) for name in sorted(names)]
    return [one for one in workers if one not in needed and not _is_held(home, one)]


def remove_lock(home: Home, worker_id: str) -> bool:
    """Delete the lock file of a worker that is gone; False where it is not gone."""
    path = _lock_path(home, worker_id)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_held(home: Home, worker_id: str) -> bool:
    return locks.is_held(_lock_path(home, worker_id))


def _lock_path(home: Home, worker_id: str) -> str:
    return os.path.join(home.locks, worker_id + _LOCK)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def long_ago(store: Store) -> int:
    """The instant before which a process has to have ended for its row to be deleted."""
    return store.now() - _A_DAY


def forget_processes(store: Store) -> int:
    """Delete the rows of processes that ended long ago and that no run names; how many workers."""
    before = long_ago(store)
    workers = store.old_processes(before)
    store.forget_processes(before, workers)
    return len(workers)
