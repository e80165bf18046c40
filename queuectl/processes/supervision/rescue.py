"""Finds runs whose supervisor is gone, and makes sure that nothing of them lives."""

from __future__ import annotations

import os

from queuectl.domain.fleet import Supervisor, WorkerStatus
from queuectl.domain.lifecycle import End, Outcome
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.system import ledger, leftovers
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Ended, Holding


class Rescue:
    """Looks after what earlier supervisors of this home left; `me` is the one that lives.

    `unsettled` tells whether the last look left runs as they were: alive, or dying still.
    """

    def __init__(self, store: Store, home: Home, me: Supervisor) -> None:
        self._store, self._home, self._me = store, home, me
        self.unsettled = True

    def remains(self) -> list[Ended]:
        """Ends to record: runs that are certainly over.

        A run whose worker still holds its lock is left alone: the worker finishes it and has it
        recorded. What lives of the others gets KILL now, and is looked for again next time.
        """
        mine = [holding for holding in self._store.holdings() if self._is_mine(holding)]
        ends = [self._end_of(holding) for holding in mine]
        self.unsettled = None in ends
        return [end for end in ends if end is not None]

    def _is_mine(self, holding: Holding) -> bool:
        here = (holding.host, holding.home) == (self._me.host, self._me.home)
        return here and holding.supervisor != self._me.id

    def _end_of(self, holding: Holding) -> Ended | None:
        if holding.boot != self._me.boot:
            return self._ended(holding, Outcome(End.HOST_DIED, error="host died: it was restarted"))
        lock = self._home.worker_lock(holding.worker)
        if locks.may_be_held(lock):
            return None
        if clear(self._store, [holding]):
            return None
        begun = ledger.read(lock)
        if begun is None:
            return None
        if (holding.row, holding.lease) not in begun:
            return self._ended(holding, Outcome(End.RETURNED))
        return self._ended(holding, Outcome(End.SUPERVISOR_DIED, error="supervisor died"))

    def _ended(self, holding: Holding, outcome: Outcome) -> Ended:
        return abandoned(self._home, holding.row, holding.lease, outcome)

    def forget_workers(self) -> bool:
        """Write off the workers of earlier supervisors that are gone; whether any still lives."""
        living = False
        active = {known.id for known in self._store.supervisors() if known.ended_at is None}
        for worker in self._store.workers():
            if worker.supervisor in active or worker.host != self._me.host:
                continue
            if locks.may_be_held(self._home.worker_lock(worker.id)):
                living = True
            elif os.path.exists(self._home.worker_lock(worker.id)) or worker.pid is None:
                self._store.set_worker(worker.id, WorkerStatus.DIED, note="its supervisor died")
        return living


def clear(store: Store, holdings: list[Holding]) -> int:
    """Kill what lives of these runs; 0 once nothing was found."""
    groups = [
        (holding.pid, holding.pid_started)
        for holding in holdings
        if holding.pid is not None and holding.pid_started is not None
    ]
    marks = [leftovers.marker(store.uuid, holding.row, holding.lease) for holding in holdings]
    return leftovers.kill(marks, groups)


def abandoned(home: Home, row: int, lease: int, outcome: Outcome) -> Ended:
    """The end of a run whose worker cannot report; what it spilled of its output is kept."""
    spilled = os.path.exists(home.output(row, lease))
    return Ended(row, lease, outcome, None, None if spilled else b"")
