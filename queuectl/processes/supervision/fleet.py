"""The workers of a supervisor: born in the nursery, fed, watched, replaced, stopped."""

from __future__ import annotations

import logging
import os
import selectors
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from queuectl.domain.fleet import Desired, Supervisor, Worker, WorkerStatus
from queuectl.domain.lifecycle import End, Outcome
from queuectl.domain.settings import Settings
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.messages import NO_ROOM, Birth, Born, Gone, Rules, Unborn
from queuectl.processes.supervision.births import Births
from queuectl.processes.supervision.member import Member
from queuectl.processes.supervision.register import Register
from queuectl.processes.supervision.rescue import abandoned
from queuectl.processes.system import ledger, leftovers
from queuectl.processes.system.timers import Timers
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Assignment, Demand, Ended, Lease

log = logging.getLogger(__name__)

_LOOK_AGAIN = 0.02
_WORD_OF_NURSERY = 2.0  # how long the exit code of a worker is waited for
_BEYOND_GRACE = 10.0
_TRY_AGAIN = 1.0


class Fleet:
    """All workers of one supervisor; `changed` is called when there may be something to do."""

    def __init__(
        self,
        store: Store,
        home: Home,
        me: Supervisor,
        selector: selectors.BaseSelector,
        timers: Timers,
        changed: Callable[[], None],
    ) -> None:
        self._store, self._home, self._me = store, home, me
        self._selector, self._timers, self._changed = selector, timers, changed
        self._members: dict[str, Member] = {}
        self._write = Register(store, timers).write
        self.births = Births(selector, self._nursery_is_there, self._born, self._unborn, self._gone)
        self._abandoned: list[Ended] = []
        self._rules = Rules(0, 0, 0)
        self._draining = False

    def __len__(self) -> int:
        return len(self._members)

    @property
    def drained(self) -> bool:
        """Whether the last worker is gone because it had nothing left to do."""
        return self._draining and not self._members

    def _nursery_is_there(self) -> None:
        for member in self._members.values():
            self._bear_if_missing(member)

    def _bear_if_missing(self, member: Member) -> None:
        is_missing = member.channel is None and member.pid is None and not member.gone
        if is_missing and member.row.id in self._members:
            self._bear(member)

    def _bear(self, member: Member) -> None:
        row = member.row
        place = (str(self._home), self._store.url, self._store.uuid)
        channel = self.births.ask(Birth(row.id, row.number, row.slots, *place, self._rules))
        if channel is not None:
            member.connect(channel)
            self._selector.register(channel, selectors.EVENT_READ, partial(self._hear, member))
        elif self.births.can_be_asked:
            self._timers.after(_TRY_AGAIN, partial(self._bear_if_missing, member))

    def _born(self, message: Born) -> None:
        member = self._members.get(message.id)
        if member is None:
            return
        member.pid = message.pid
        self._write(message.id, WorkerStatus.IDLE, message.pid)
        log.info("worker %s started, pid %d", message.id, message.pid)
        self._changed()

    def _unborn(self, message: Unborn) -> None:
        member = self._members.get(message.id)
        if member is not None and member.pid is None:
            member.unborn, member.cause = True, message.reason
            self._depart_once_closed(member)

    def _gone(self, message: Gone) -> None:
        member = self._members.get(message.id)
        if member is not None and member.pid == message.pid:
            member.unborn = message.code == NO_ROOM
            member.cause = (
                f"signal {-message.code}" if message.code < 0 else f"exit code {message.code}"
            )
            self._depart_once_closed(member)

    # Wishes.

    def obey(self, settings: Settings) -> None:
        """Have the workers follow the settings from their next run on."""
        rules = Rules.of(settings)
        if rules != self._rules:
            self._rules = rules
            for member in self._members.values():
                member.tell(rules=rules)

    def follow(self, rows: Iterable[Worker]) -> None:
        """Take over what the store says of this supervisor's workers."""
        for row in rows:
            member = self._members.get(row.id)
            if member is None:
                member = self._members[row.id] = Member(row)
                self._draining = False
                self._bear(member)
            self._wish(member, row.desired)

    def stop_all(self, desired: Desired) -> None:
        """Stop every worker."""
        for member in list(self._members.values()):
            self._wish(member, desired)

    def _wish(self, member: Member, desired: Desired) -> None:
        if not member.wants_stop(desired) or not desired.stops:
            return
        if member.pid is None and member.channel is None:
            self._remove(member, WorkerStatus.STOPPED)
            return
        self._write(member.row.id, WorkerStatus.STOPPING)
        member.tell()
        grace = self._rules.shutdown_grace if desired is Desired.STOP else 0
        patience = grace + 2 * self._rules.kill_grace + _BEYOND_GRACE
        self._timers.after(patience, partial(self._insist, member))

    def _insist(self, member: Member) -> None:
        if member.row.id in self._members and member.pid is not None and not member.closed:
            log.warning("worker %s does not stop: killed", member.row.id)
            with suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGKILL)

    def cancel(self, leases: Iterable[Lease]) -> None:
        """Have these runs ended."""
        wanted = set(leases)
        for member in self._members.values():
            mine = tuple(lease for lease in member.held if lease in wanted)
            if mine:
                member.tell(cancels=mine)

    def end_drained(self) -> None:
        """Stop the workers that are to drain and have nothing left that they may run."""
        for member in list(self._members.values()):
            idle = member.is_idle and member.pid is not None
            if idle and member.desired is Desired.DRAIN and not self._has_work(member):
                self._store.wish_workers([member.row.id], Desired.STOP)
                self._draining = True
                self._wish(member, Desired.STOP)

    def _has_work(self, member: Member) -> bool:
        return self._store.has_work(member.row.queues)

    # Work.

    def demands(self) -> list[Demand]:
        """What the workers can take now."""
        return [demand for one in self._members.values() if (demand := one.demand()) is not None]

    def reports(self) -> list[Member]:
        """The members that have something to record."""
        return [member for member in self._members.values() if member.reports]

    @property
    def unrecorded(self) -> int:
        """How many ends of runs are known here and not in the store."""
        told = (len(one.ended) for member in self.reports() for one in member.reports)
        return sum(told) + len(self._abandoned)

    def abandoned(self) -> list[Ended]:
        """Ends of runs whose worker died."""
        return self._abandoned

    def recorded(self, members: Iterable[Member], assignments: Iterable[Assignment]) -> None:
        """Reports of `members` and all abandoned runs are in the store; give out the new work."""
        self._abandoned = []
        work: dict[str, list[Assignment]] = {}
        for assignment in assignments:
            work.setdefault(assignment.worker, []).append(assignment)
        told = {member.row.id: member for member in members}
        for member in told.values():
            member.recorded()
        for worker_id in told | work:
            member = self._members[worker_id]
            member.tell(tuple(work.get(worker_id, ())))
            self._watch(member)

    def _watch(self, member: Member) -> None:
        channel = member.channel
        if channel is not None and not member.closed and channel.has_backlog:
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(channel, both, partial(self._hear, member))

    def _hear(self, member: Member) -> None:
        channel = member.channel
        if channel is None:
            return
        if member.flush():
            self._selector.modify(channel, selectors.EVENT_READ, partial(self._hear, member))
        member.take_reports()
        if member.closed:
            self._selector.unregister(channel)
            channel.close()
            member.channel = None
            self._timers.after(_WORD_OF_NURSERY, partial(self._give_up_waiting, member))
            self._depart_once_closed(member)
        self._changed()

    # Deaths.

    def _give_up_waiting(self, member: Member) -> None:
        if member.closed and member.cause is None and not member.gone:
            member.cause = "unknown cause"
            self._depart_once_closed(member)

    def _depart_once_closed(self, member: Member) -> None:
        # Both must have come: what the worker said last, and how its process ended.
        if not member.closed or member.cause is None or member.gone:
            return
        member.gone = True
        if member.cause == "exit code 0" and not member.held:
            self._replace(member)
            return
        log.warning("worker %s (pid %s) %s", member.row.id, member.pid, member.fate)
        self._clear(member)

    def _clear(self, member: Member) -> None:
        """End what lives of the dead worker's runs; go on once there is nothing."""
        uuid = self._store.uuid
        marks = [leftovers.marker(uuid, *lease) for lease in member.held]
        groups = [(one.pid, one.pid_started) for one in member.running.values()]
        lock = self._home.worker_lock(member.row.id)
        begun = ledger.read(lock)
        alive = locks.may_be_held(lock) or (marks and leftovers.kill(marks, groups))
        if member.reports or alive or begun is None:
            self._timers.after(_LOOK_AGAIN, partial(self._clear, member))
            return
        outcome = Outcome(End.WORKER_DIED, error=f"worker died: {member.cause}")
        if member.desired.stops:
            outcome = Outcome(End.INTERRUPTED, error="interrupted by a shutdown")
        self._abandoned += [
            abandoned(self._home, *lease, outcome if lease in begun else Outcome(End.RETURNED))
            for lease in member.held
        ]
        member.held, member.running = {}, {}
        self._replace(member)
        self._changed()

    def _replace(self, member: Member) -> None:
        if member.desired.stops:
            self._remove(member, WorkerStatus.STOPPED)
            return
        delay = member.next_delay()
        note = f"{member.fate}; started again after {delay:g} s"
        self._write(member.row.id, WorkerStatus.STARTING, note=note)
        member.pid = None
        self._timers.after(delay, partial(self._bear_again, member))

    def _bear_again(self, member: Member) -> None:
        if member.row.id not in self._members:
            return
        if member.desired.stops:
            self._remove(member, WorkerStatus.STOPPED)
        else:
            member.gone = False
            self._bear(member)

    def _remove(self, member: Member, status: WorkerStatus) -> None:
        self._write(member.row.id, status)
        del self._members[member.row.id]
        with suppress(OSError):
            os.unlink(self._home.worker_lock(member.row.id))
        log.info("worker %s %s", member.row.id, status)
        self._changed()
