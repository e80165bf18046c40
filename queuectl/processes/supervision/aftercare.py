"""What earlier, dead and silent supervisors left: looked for, and settled until nothing is left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from queuectl.domain.errors import HomeUnusable, StoreBusy, StoreError
from queuectl.domain.fleet import Supervisor
from queuectl.home.folder import Home
from queuectl.processes.supervision.rescue import Rescue
from queuectl.processes.supervision.takeover import Vigil, take_over, unblock
from queuectl.processes.system.timers import Timers
from queuectl.stores.contract import Store

log = logging.getLogger(__name__)

_AGAIN = 0.5


class Aftercare:
    """Looks after the runs of other supervisors, for the one that is `me`.

    `settled` is called when jobs have come back, `failed` with what the store refused.
    """

    def __init__(
        self,
        store: Store,
        home: Home,
        me: Supervisor,
        timers: Timers,
        settled: Callable[[], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        self._store, self._me, self._timers = store, me, timers
        self._settled, self._failed = settled, failed
        self._rescue = Rescue(store, home, me)
        self._vigil = Vigil(me.host, me.boot, store.url, me.id)
        self._due = False

    def settle(self) -> None:
        """Settle what is certainly over, and look again until all of it is settled."""
        remains = True
        try:
            ended = self._rescue.remains()
            if ended:
                self._store.turn(self._me.id, (), ended)
                self._settled()
                log.warning("rescued %d runs of another supervisor", len(ended))
            if not self._rescue.unsettled:
                for dead in self._vigil.dead(self._store.supervisors()):
                    self._store.leave(dead)
            remains = self._rescue.forget_workers() or self._rescue.unsettled
        except StoreError as error:
            self._failed(error)
        except (HomeUnusable, OSError) as error:  # of others; what cannot be seen may live
            log.warning("what another supervisor left cannot be looked at: %s", error)
        if remains and not self._due:
            self._due = True
            self._timers.after(_AGAIN, self._settle_again)

    def _settle_again(self) -> None:
        self._due = False
        self.settle()

    def watch(self, patience: float) -> None:
        """End a supervisor that was silent for so many seconds; look after what dead ones left."""
        known = self._store.supervisors()
        silent = self._vigil.look(known, patience)
        if silent is not None:
            take_over(self._store, silent)
        if silent is not None or self._vigil.dead(known) or self._rescue.has_strays():
            self.settle()

    def blocked(self, error: StoreError) -> None:
        """The store has failed: one that was stopped amid a write may hold its lock."""
        if isinstance(error, StoreBusy):
            with suppress(StoreError):
                if unblock(self._store, self._vigil):
                    self.settle()
