"""The workers of a supervisor: born in the nursery, fed, watched, replaced, stopped."""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from queuectl.domain.fleet import Desired, Supervisor, Worker, WorkerStatus
from queuectl.domain.settings import Settings
from queuectl.failpoints import reach
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.messages import NO_ROOM, Birth, Gone, Rules, Unborn
from queuectl.processes.supervision.births import Births
from queuectl.processes.supervision.deaths import Deaths
from queuectl.processes.supervision.member import Member
from queuectl.processes.supervision.register import Register
from queuectl.processes.supervision.takeover import kill
from queuectl.processes.system import identity, leftovers
from queuectl.processes.system.timers import Timers
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Assignment, Demand, Ended, Lease

log = logging.getLogger(__name__)

_LOOK_AGAIN = 0.02
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
        self.births = Births(selector, self._nursery_is_there, self._unborn, self._gone)
        self._deaths = Deaths(store.uuid, home, timers, self._replace)
        self._write = Register(store, timers).write
        self._rules = Rules(0, 0, 0)
        self._draining = False

    def __len__(self) -> int:
        return len(self._members)

    @property
    def drained(self) -> bool:
        """Whether the last worker is gone because it had nothing left to do."""
        return self._draining and not self._members

    def tidy(self) -> None:
        """Remove what workers that will not live again have left, unless it is needed still."""
        if not self._deaths.ends:
            self._deaths.recorded()

    def rows(self) -> list[Worker]:
        """The workers that are not to stop, with what is wanted of them now."""
        members = [member for member in self._members.values() if not member.desired.stops]
        return [member.row._replace(desired=member.desired) for member in members]

    def kill(self) -> None:
        """End all workers with all that they run; returns once nothing of it lives."""
        marks, groups = [], []
        for member in self._members.values():
            if member.pid is None:  # it is being born: without a line it ends by itself
                member.hang_up(self._selector)
                continue
            marks += [leftovers.marker(self._store.uuid, *lease) for lease in member.held]
            groups += [(one.pid, one.pid_started) for one in member.running.values()]
        born = [one for one in self._members.values() if one.pid is not None]
        while self._kill(born) or leftovers.kill(marks, groups):
            time.sleep(_LOOK_AGAIN)

    def _kill(self, members: Iterable[Member]) -> bool:
        """Kill these processes; whether one may live still."""
        lives = False
        for member in members:
            with suppress(OSError):  # where one cannot look, its lock tells
                kill(member.pid, member.pid_started or identity.started(member.pid or 0))
            lives |= locks.may_be_held(self._home.worker_lock(member.row.id))
        return lives

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
        life = member.life + 1
        channel = self.births.ask(Birth(row.id, life, row.number, row.slots, *place, self._rules))
        if channel is not None:
            member.connect(channel, self.births.nursery)
            self._selector.register(channel, selectors.EVENT_READ, partial(self._hear, member))
        elif self.births.can_be_asked:
            self._timers.after(_TRY_AGAIN, partial(self._bear_if_missing, member))

    def _born(self, member: Member, pid: int) -> None:
        member.pid = pid
        with suppress(OSError):
            member.pid_started = identity.started(pid)
        self._write(member.row.id, WorkerStatus.IDLE, pid)
        log.info("worker %s started, pid %d", member.row.id, pid)

    def _unborn(self, message: Unborn) -> None:
        member = self._members.get(message.id)
        if member is not None and member.life == message.life:
            member.unborn = True
            self._deaths.caused(member, message.reason)

    def _gone(self, message: Gone) -> None:
        member = self._members.get(message.id)
        if member is not None and member.life == message.life:
            member.unborn = message.code == NO_ROOM
            self._deaths.ended(member, message.code)

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
            if member is None and row.desired.stops:  # it was wanted for a moment only
                self._write(row.id, WorkerStatus.STOPPED)
                continue
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
        if member.row.id not in self._members or member.closed:
            return
        log.warning("worker %s does not stop: killed", member.row.id)
        if member.pid is None:  # the nursery does not bear it, or it has not said a word
            member.hang_up(self._selector)
            self._remove(member, WorkerStatus.STOPPED)
        else:
            self._kill([member])
            self._timers.after(_TRY_AGAIN, partial(self._insist, member))

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
    def spare(self) -> float:
        """Seconds until one of those that work should be given more."""
        return min((one.spare for one in self._members.values() if one.held), default=0.0)

    @property
    def unrecorded(self) -> int:
        """How many ends of runs are known here and not in the store."""
        told = (len(one.ended) for member in self.reports() for one in member.reports)
        return sum(told) + len(self._deaths.ends)

    def abandoned(self) -> list[Ended]:
        """Ends of runs whose worker died."""
        return self._deaths.ends

    def recorded(self, members: Iterable[Member], assignments: Iterable[Assignment]) -> None:
        """Reports of `members` and all abandoned runs are in the store; give out the new work."""
        self._deaths.recorded()
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
        reach("work told")

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
        for word in member.listen():
            self._born(member, word.pid)
        if member.closed:
            member.hang_up(self._selector)
            self._deaths.closed(member, word_is_due=member.nursery == self.births.nursery)
        if not member.is_fed:
            self._changed()

    # Replacement.

    def _replace(self, member: Member) -> None:
        if member.row.id not in self._members:
            return
        if member.desired.stops:
            self._remove(member, WorkerStatus.STOPPED)
            return
        delay = member.next_delay()
        note = f"{member.fate}; started again after {delay:g} s"
        self._write(member.row.id, WorkerStatus.STARTING, note=note)
        member.pid = None
        self._timers.after(delay, partial(self._bear_again, member))
        self._changed()

    def _bear_again(self, member: Member) -> None:
        if member.row.id not in self._members:
            return
        if member.desired.stops:
            self._remove(member, WorkerStatus.STOPPED)
        elif not self._deaths.is_recorded(member.row.id):
            self._timers.after(_LOOK_AGAIN, partial(self._bear_again, member))
        else:
            member.gone = False
            self._bear(member)

    def _remove(self, member: Member, status: WorkerStatus) -> None:
        self._write(member.row.id, status)
        del self._members[member.row.id]
        self._deaths.forget(member.row.id)
        reach("worker removed")
        log.info("worker %s %s", member.row.id, status)
        self._changed()
