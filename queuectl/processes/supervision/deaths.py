"""Workers that die: what they ran is ended, then told, and only then forgotten."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from queuectl.domain.lifecycle import End, Outcome
from queuectl.failpoints import reach
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.supervision.member import Member
from queuectl.processes.supervision.rescue import ends_in
from queuectl.processes.system import ledger, leftovers, out_of_memory
from queuectl.processes.system.timers import Timers
from queuectl.stores.exchange import Ended

log = logging.getLogger(__name__)

_LOOK_AGAIN = 0.02
_WORD_OF_NURSERY = 2.0  # how long the exit code of a worker is waited for
_UNKNOWN = "unknown cause"


class Deaths:
    """Settles the deaths of a supervisor's workers; `over` is called once nothing is left to end.

    `ends` are the ends of what the dead ran, to be recorded. Until they are, what the worker had
    begun stands in its lock file, which a new life of it would write over.
    """

    def __init__(
        self, uuid: str, home: Home, timers: Timers, over: Callable[[Member], None]
    ) -> None:
        self._uuid, self._home, self._timers, self._over = uuid, home, timers, over
        self.ends: list[Ended] = []
        self._unrecorded: set[str] = set()
        self._spent: list[str] = []
        self._witness = out_of_memory.witness()

    def is_recorded(self, worker: str) -> bool:
        """Whether all that a dead worker ran is in the store, so that it may live again."""
        return worker not in self._unrecorded

    def recorded(self) -> None:
        """All `ends` are in the store."""
        self.ends = []
        self._unrecorded.clear()
        for path in self._spent:
            with suppress(OSError):
                os.unlink(path)
        self._spent = []

    def forget(self, worker: str) -> None:
        """This worker will not live again: its lock file goes once all is recorded."""
        self._spent.append(self._home.worker_lock(worker))

    def closed(self, member: Member, *, word_is_due: bool) -> None:
        """The channel of a worker has ended; `word_is_due` if the nursery will say how it ended."""
        if word_is_due:
            self._timers.after(_WORD_OF_NURSERY, partial(self._give_up_waiting, member))
        else:
            member.cause = member.cause or _UNKNOWN
        self._depart(member)

    def ended(self, member: Member, code: int) -> None:
        """The process of a worker has ended with this exit code (negative: signal)."""
        if code >= 0:
            self.caused(member, f"exit code {code}")
            return
        killed = code == -signal.SIGKILL and member.pid is not None
        out_of_room = killed and self._witness.killed(member.pid or 0, member.born)
        self.caused(member, "out of memory" if out_of_room else f"signal {-code}")

    def caused(self, member: Member, cause: str) -> None:
        """The process of a worker has ended in this way."""
        member.cause = cause
        self._depart(member)

    def _give_up_waiting(self, member: Member) -> None:
        if member.closed and member.cause is None and not member.gone:
            self.caused(member, _UNKNOWN)

    def _depart(self, member: Member) -> None:
        # Both must have come: what the worker said last, and how its process ended.
        if not member.closed or member.cause is None or member.gone:
            return
        member.gone = True
        if member.cause == "exit code 0" and not member.held:
            self._over(member)
            return
        log.warning("worker %s (pid %s) %s", member.row.id, member.pid, member.fate)
        self._clear(member)

    def _clear(self, member: Member) -> None:
        """End what lives of the dead worker's runs; go on once there is nothing."""
        marks = [leftovers.marker(self._uuid, *lease) for lease in member.held]
        groups = [(one.pid, one.pid_started) for one in member.running.values()]
        lock = self._home.worker_lock(member.row.id)
        alive = locks.may_be_held(lock) or (marks and leftovers.kill(marks, groups))
        begun = ledger.read(lock)
        if member.reports or alive or begun is None:
            self._timers.after(_LOOK_AGAIN, partial(self._clear, member))
            return
        reach("leftovers killed")
        died = Outcome(End.WORKER_DIED, error=f"worker died: {member.cause}")
        if member.desired.stops:
            died = Outcome(End.INTERRUPTED, error="interrupted by a shutdown")
        ends = ends_in(self._home, begun, member.held, died)
        if ends:
            self.ends += ends
            self._unrecorded.add(member.row.id)
        member.held, member.running = {}, {}
        self._over(member)
