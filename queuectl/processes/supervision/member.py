"""One worker as its supervisor sees it."""

from __future__ import annotations

import time
from selectors import BaseSelector

from queuectl.domain.fleet import Desired, Worker
from queuectl.domain.lifecycle import End
from queuectl.failpoints import reach
from queuectl.processes.messages import Born, Leaving, Orders, Report, Rules
from queuectl.processes.system.channel import Channel, Closed
from queuectl.stores.exchange import Assignment, Demand, Ended, Lease, Started

_FIRST_DELAY, _LAST_DELAY = 0.5, 60.0
_LAST_DELAY_WITHOUT_ROOM = 5.0
_GOOD_LIFE = 60.0
# Seconds: below this a job is short; the average remembers about so many.
_SHORT, _MEMORY, _UNKNOWN = 0.01, 8, 1.0
# Jobs that a worker has beyond its slots; with so few left it must be given more at once.
_AHEAD, _FEW = 16, 5


class Member:
    """A worker's row, its process and channel, and the assignments that it holds."""

    def __init__(self, row: Worker) -> None:
        self.row = row
        self.desired = row.desired
        self.channel: Channel | None = None
        self.pid: int | None = None
        self.pid_started = 0
        self.held: dict[Lease, Assignment] = {}
        self.running: dict[Lease, Started] = {}
        self.reports: list[Report] = []
        self.closed = False
        self.gone = False
        self.cause: str | None = None
        self.life = 0
        self._is_leaving = False
        self.nursery: int | None = None
        self.unborn = False  # the system had no room for the process
        self._acknowledged = 0
        self._told_cancels: set[Lease] = set()
        self._delay = _FIRST_DELAY
        self.born = 0.0
        self._typical = _UNKNOWN
        self._did_something = False

    @property
    def works(self) -> bool:
        """Whether it can be given jobs."""
        there = self.pid is not None and not self.closed
        return there and not self.desired.stops and not self._is_leaving

    @property
    def is_idle(self) -> bool:
        """Whether it holds nothing and has said nothing that is not recorded."""
        return not self.held and not self.reports

    def demand(self) -> Demand | None:
        """What it can take once its reports are recorded."""
        settled = self._settled()
        free = self.row.slots + self._ahead() - len(self.held) + settled
        if not self.works or free <= 0 or self._has_a_loner():
            return None
        return Demand(self.row.id, self.row.queues, free, len(self.held) - settled)

    @property
    def is_fed(self) -> bool:
        """Whether it has enough to go on with until the next turn but one."""
        return self.spare > 0

    @property
    def spare(self) -> float:
        """Seconds until it should be given more, if it goes on as it did; none where it is due."""
        if not self.works:
            return 0.0
        beyond = len(self.held) - self._settled() - self.row.slots - _FEW
        return max(0.0, beyond * self._typical / self.row.slots)

    def _settled(self) -> int:
        return sum(len(one.ended) for one in self.reports)

    def _has_a_loner(self) -> bool:
        loners = {lease for lease, one in self.held.items() if one.alone}
        if not loners:
            return False
        over = {Lease(one.row, one.lease) for report in self.reports for one in report.ended}
        return not loners <= over

    def _ahead(self) -> int:
        # While jobs are short, the next ones must be there before a turn could bring them.
        return _AHEAD if self._typical < _SHORT else 0

    def _learn(self, ended: Ended) -> None:
        if ended.outcome.end is End.RETURNED:
            self._typical = _UNKNOWN  # it waited behind a long one: nothing ahead for a while
        elif ended.seconds is not None:
            self._typical += (ended.seconds - self._typical) / _MEMORY

    def connect(self, channel: Channel, nursery: int | None) -> None:
        """Begin a life of the process, over this channel, in this nursery."""
        self.nursery = nursery
        self.channel, self.closed, self.gone, self.cause = channel, False, False, None
        self.unborn = False
        self.pid, self.pid_started, self._acknowledged = None, 0, 0
        self.life += 1
        self._is_leaving = False
        self.born, self._did_something = time.monotonic(), False

    def hang_up(self, selector: BaseSelector) -> None:
        """Let go of the channel, which `selector` listens to; the process ends without it."""
        if self.channel is not None:
            selector.unregister(self.channel)
            self.channel.close()
            self.channel, self.closed = None, True

    @property
    def fate(self) -> str:
        """How the process ended, or that it never was, and the cause."""
        return f"{'could not begin' if self.unborn else 'died'}: {self.cause}"

    def next_delay(self) -> float:
        """Seconds to wait before the process is replaced; grows while lives are short and idle.

        A worker that a job takes down after others have ended in it is not to blame.
        """
        if self._did_something or time.monotonic() - self.born > _GOOD_LIFE:
            self._delay = _FIRST_DELAY
        delay = min(self._delay, _LAST_DELAY_WITHOUT_ROOM) if self.unborn else self._delay
        self._delay = min(delay * 2, _LAST_DELAY)
        return delay

    def listen(self) -> list[Born]:
        """Take what the worker has reported; its greeting, and notes where its channel ended."""
        if self.channel is None:
            return []
        try:
            words = self.channel.receive()
        except Closed:
            self.closed = True
            return []
        for word in words:
            if isinstance(word, Report):
                self._take(word)
            elif isinstance(word, Leaving):
                self._is_leaving = True
        return [word for word in words if isinstance(word, Born)]

    def _take(self, report: Report) -> None:
        reach("report heard")
        self.reports.append(report)
        for one in report.ended:
            self._learn(one)
        self.running.update((Lease(one.row, one.lease), one) for one in report.started)

    def recorded(self) -> None:
        """All reports taken so far are in the store."""
        for report in self.reports:
            for one in report.ended:
                lease = Lease(one.row, one.lease)
                self._did_something |= one.outcome.end is not End.RETURNED
                self.held.pop(lease, None)
                self.running.pop(lease, None)
                self._told_cancels.discard(lease)
        if self.reports:
            self._acknowledged = self.reports[-1].number
        self.reports = []

    def tell(
        self,
        assignments: tuple[Assignment, ...] = (),
        cancels: tuple[Lease, ...] = (),
        rules: Rules | None = None,
    ) -> None:
        """Give orders, and say what is recorded; a worker that is gone hears nothing."""
        self.held.update((Lease(one.row, one.lease), one) for one in assignments)
        fresh = tuple(lease for lease in cancels if lease not in self._told_cancels)
        self._told_cancels.update(fresh)
        if self.channel is None or self.closed:
            return
        desired = self.desired if self.desired.stops else Desired.RUN
        try:
            self.channel.send(Orders(self._acknowledged, assignments, fresh, desired, rules))
        except Closed:
            self.closed = True

    def flush(self) -> bool:
        """Send what could not be sent at once; whether that is all sent now."""
        if self.channel is None or not self.channel.has_backlog:
            return False
        try:
            return self.channel.flush()
        except Closed:
            self.closed = True
            return False

    def wants_stop(self, desired: Desired) -> bool:
        """Take over a stronger wish; whether it is news."""
        if desired.strength <= self.desired.strength:
            return False
        self.desired = desired
        return True
