"""What the store is to know of each worker: the latest counts, and is tried until it is written."""

from __future__ import annotations

import logging
from typing import NamedTuple

from queuectl.domain.errors import StoreError
from queuectl.domain.fleet import WorkerStatus
from queuectl.processes.system import identity
from queuectl.processes.system.timers import Timers
from queuectl.stores.contract import Store

log = logging.getLogger(__name__)

_WRITE_AGAIN = 1.0


class _Entry(NamedTuple):
    status: WorkerStatus
    pid: int | None
    note: str | None

    def over(self, older: _Entry) -> _Entry:
        """This entry, with what only an older one says."""
        return _Entry(self.status, self.pid or older.pid, self.note or older.note)


class Register:
    """Writes down how workers are; keeps what cannot be written yet, the latest of each."""

    def __init__(self, store: Store, timers: Timers) -> None:
        self._store, self._timers = store, timers
        self._kept: dict[str, _Entry] = {}

    def write(
        self, worker_id: str, status: WorkerStatus, pid: int | None = None, note: str | None = None
    ) -> None:
        """Say how a worker is; what is not said stays as it was."""
        entry = _Entry(status, pid, note)
        if worker_id in self._kept:  # not before what is older
            self._kept[worker_id] = entry.over(self._kept[worker_id])
            return
        try:
            self._set(worker_id, entry)
        except (StoreError, OSError) as error:
            if not self._kept:
                log.warning("cannot write down that %s is %s: %s", worker_id, status, error)
                self._timers.after(_WRITE_AGAIN, self._write_kept)
            self._kept[worker_id] = entry

    def _set(self, worker_id: str, entry: _Entry) -> None:
        start = None if entry.pid is None else identity.started(entry.pid)
        self._store.set_worker(worker_id, entry.status, entry.pid, start, entry.note)

    def _write_kept(self) -> None:
        for worker_id, entry in list(self._kept.items()):
            try:
                self._set(worker_id, entry)
            except (StoreError, OSError):
                self._timers.after(_WRITE_AGAIN, self._write_kept)
                return
            del self._kept[worker_id]
