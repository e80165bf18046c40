"""Finds runs whose supervisor is gone, and makes sure that nothing of them lives."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain

from queuectl.domain.errors import HomeUnusable
from queuectl.domain.fleet import Supervisor, WorkerStatus
from queuectl.domain.lifecycle import UNCHARGED, End, Outcome
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.supervision.takeover import clear, kill
from queuectl.processes.system import identity, ledger
from queuectl.processes.system.ledger import Begun
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Ended, Holding, Lease


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
        workers: dict[str, list[Holding]] = defaultdict(list)
        for holding in self._store.holdings():
            if self._is_mine(holding):
                workers[holding.worker].append(holding)
        ends = [self._ends_of(worker, holdings) for worker, holdings in workers.items()]
        self.unsettled = None in ends
        return list(chain.from_iterable(filter(None, ends)))

    def has_strays(self) -> bool:
        """Whether runs of other homes are left to this supervisor, since theirs is gone."""
        holdings = self._store.holdings()
        return any(self._is_mine(one) for one in holdings if one.home != self._me.home)

    def _is_mine(self, holding: Holding) -> bool:
        if holding.host != self._me.host or holding.supervisor == self._me.id:
            return False
        if holding.fenced or holding.home == self._me.home:
            return True
        if holding.boot != self._me.boot:
            return identity.restarted(holding.boot, self._me.boot)
        return not identity.may_be_alive(holding.supervisor_pid, holding.supervisor_started)

    def _ends_of(self, worker: str, holdings: list[Holding]) -> list[Ended] | None:
        leases = [Lease(holding.row, holding.lease) for holding in holdings]
        if identity.restarted(holdings[0].boot, self._me.boot):
            died = Outcome(End.HOST_DIED, error="host died: it was restarted")
            place = self._home_of(holdings[0]) or self._home
            return [abandoned(place, lease, died) for lease in leases]
        died = Outcome(End.SUPERVISOR_DIED, error="supervisor died")
        row = self._store.worker(worker)
        if holdings[0].fenced:
            died = Outcome(End.SUPERVISOR_DIED, error="supervisor gave no sign of life")
            kill(row.pid, row.pid_started)
        home = self._home_of(holdings[0])
        if home is None:
            return None
        lock = home.worker_lock(worker)
        if not os.path.exists(lock) and identity.may_be_alive(row.pid, row.pid_started):
            return None  # the home was moved: the worker has its lock elsewhere
        if locks.may_be_held(lock) or clear(self._store, holdings):
            return None
        begun = ledger.read(lock)
        return None if begun is None else ends_in(home, begun, leases, died)

    def _home_of(self, holding: Holding) -> Home | None:
        """The home of a run; None where it cannot be looked into."""
        if holding.home == self._me.home:
            return self._home
        if not os.path.isdir(holding.home):  # gone, or a disk that is not mounted
            return None
        with suppress(HomeUnusable):
            return Home(holding.home).serving(self._store.url, self._store.uuid)
        return None

    def forget_workers(self) -> bool:
        """Write off the workers of earlier supervisors that are gone; whether any still lives."""
        living = False
        workers = self._store.workers()  # in this order: a supervisor comes before its workers
        active = {known.id for known in self._store.supervisors() if known.ended_at is None}
        for worker in workers:
            if worker.supervisor in active or worker.host != self._me.host:
                continue
            lock = self._home.worker_lock(worker.id)
            if os.path.exists(lock):
                lives = locks.may_be_held(lock)
            else:  # another home's, or one whose end is about to be written down
                lives = identity.may_be_alive(worker.pid, worker.pid_started)
            if lives:
                living = True
            else:
                self._store.set_worker(worker.id, WorkerStatus.DIED, note="its supervisor died")
        return living


def ends_in(home: Home, begun: Begun, leases: Iterable[Lease], died: Outcome) -> list[Ended]:
    """The ends of what a worker held that has died so: nothing of it lives any more.

    `begun` is what its ledger says. What had not begun goes back. Of several that had, one may
    have taken the worker down, so all are suspects and none is charged.
    """
    held = list(leases)
    begun = begun.intersection(held)
    if len(begun) > 1 and died.end not in UNCHARGED:
        died = Outcome(
            End.SUSPECTED, error=f"{died.error} (one of {len(begun)} jobs in the worker)"
        )
    returned = Outcome(End.RETURNED)
    return [abandoned(home, lease, died if lease in begun else returned) for lease in held]


def abandoned(home: Home, lease: Lease, outcome: Outcome) -> Ended:
    """The end of a run whose worker cannot report; what it spilled of its output is kept."""
    spilled = os.path.exists(home.output(*lease))
    return Ended(*lease, outcome, None, None if spilled else b"")
