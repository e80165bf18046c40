"""Supervisors of this host that give no sign of life: noticed, fenced off, and ended."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable

from queuectl.domain.fleet import Supervisor
from queuectl.processes.system import environment, identity, leftovers
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Holding

log = logging.getLogger(__name__)

_LOOK_AGAIN = 0.02
_LONGEST_END = 5.0  # seconds; a process that waits for a device does not end before


class Vigil:
    """Watches the heartbeats of a host's supervisors by this process's own clock.

    A heartbeat is an instant of the wall clock, which may be set, and a whole machine may have
    slept: so what counts is for how long it has been seen not to change.
    """

    def __init__(
        self,
        host: str,
        boot: str,
        store: str,
        me: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host, self._boot, self._me, self._clock = host, boot, me, clock
        self._store = store
        self._seen: dict[str, tuple[int, float]] = {}
        self._last_look = clock()

    def look(self, supervisors: Iterable[Supervisor], patience: float) -> Supervisor | None:
        """One whose heartbeat has not changed for `patience` seconds of looking, the oldest.

        Who did not look for long was stopped, perhaps with all others, and begins anew. The others
        have time anew, too, once one was found: they may have waited for a lock that it held.
        """
        now = self._clock()
        if now - self._last_look > patience / 2:
            self._seen = {}
        self._last_look = now
        watched = [one for one in supervisors if self._is_watched(one)]
        self._seen = {one.id: self._since(one, now) for one in watched}
        silent = [one for one in watched if now - self._seen[one.id][1] > patience]
        if not silent:
            return None
        self._seen = {}
        return min(silent, key=lambda one: one.heartbeat_at)

    def blocker(self, supervisors: Iterable[Supervisor], pid: int | None) -> Supervisor | None:
        """One that was stopped with the lock of the store in its hand, which process `pid` holds.

        The others cannot write a heartbeat meanwhile: silence says nothing about them.
        """
        self._seen, self._last_look = {}, self._clock()
        for one in supervisors:
            if one.pid == pid and self._is_watched(one) and identity.is_stopped(one.pid):
                return one
        return None

    def dead(self, supervisors: Iterable[Supervisor]) -> set[str]:
        """Those that have no process any more: what their workers run may go on to its end."""
        active = (one for one in supervisors if one.host == self._host and one.ended_at is None)
        return {one.id for one in active if one.id != self._me and self._is_dead(one)}

    def _is_dead(self, one: Supervisor) -> bool:
        if one.boot != self._boot:
            return identity.restarted(one.boot, self._boot)
        return not self._may_live(one)

    def _is_watched(self, one: Supervisor) -> bool:
        # A copy of a store names processes that work on the original.
        lives = self._concerns(one) and self._may_live(one)
        return lives and environment.serves(one.pid, self._store)

    def _concerns(self, one: Supervisor) -> bool:
        here = (one.host, one.boot) == (self._host, self._boot)
        return here and one.ended_at is None and one.id != self._me

    @staticmethod
    def _may_live(one: Supervisor) -> bool:
        return identity.may_be_alive(one.pid, one.pid_started)

    def _since(self, one: Supervisor, now: float) -> tuple[int, float]:
        heartbeat, since = self._seen.get(one.id, (None, now))
        return (one.heartbeat_at, now if heartbeat != one.heartbeat_at else since)


def unblock(store: Store, vigil: Vigil) -> list[Supervisor] | None:
    """End the process of a queue that was stopped amid a write, and keeps the store locked.

    None where there is no such process; else the supervisor, if it was one. Its helpers have no
    jobs, and are replaced. What a person has stopped is not ours to end.
    """
    pid = store.blocker()
    stopped = vigil.blocker(store.supervisors(), pid)
    if stopped is not None:
        take_over(store, stopped)
        return [stopped]
    with contextlib.suppress(OSError):
        if pid is not None and identity.is_stopped(pid) and leftovers.is_ours(pid):
            log.warning("process %d was stopped amid a write: ended", pid)
            kill(pid, identity.started(pid))
            return []
    return None


def take_over(store: Store, silent: Supervisor) -> None:
    """End a supervisor with its workers and runs, and fence it off.

    In this order: one that was stopped in the middle of a write holds the lock of the store.
    What it ran is rescheduled by a rescue, which makes sure again that nothing of it lives.
    """
    log.warning("supervisor %s (pid %d) gives no sign of life: ended", silent.id, silent.pid)
    workers = [worker for worker in store.workers() if worker.supervisor == silent.id]
    children = leftovers.children(silent.pid)
    kill(silent.pid, silent.pid_started)
    for worker in workers:
        kill(worker.pid, worker.pid_started)
    for pid, started in children:
        kill(pid, started)
    for known in store.supervisors():
        if known.id == silent.id:
            store.fence(known.id, known.heartbeat_at)
    wipe_out(store, [holding for holding in store.holdings() if holding.supervisor == silent.id])


def wipe_out(store: Store, holdings: list[Holding]) -> None:
    """Kill what lives of these runs until nothing is found, or for `_LONGEST_END`."""
    deadline = time.monotonic() + _LONGEST_END
    while clear(store, holdings) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN)


def clear(store: Store, holdings: list[Holding]) -> int:
    """Kill what lives of these runs; 0 once nothing was found."""
    groups = [
        (holding.pid, holding.pid_started)
        for holding in holdings
        if holding.pid is not None and holding.pid_started is not None
    ]
    marks = [leftovers.marker(store.uuid, holding.row, holding.lease) for holding in holdings]
    return leftovers.kill(marks, groups) if holdings else 0


def kill(pid: int | None, started: int | None) -> None:
    """Send KILL to the process that had this pid and start time, if it lives and one can look."""
    with contextlib.suppress(OSError):
        if pid is not None and identity.is_alive(pid, started):
            os.kill(pid, signal.SIGKILL)
