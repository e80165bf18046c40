"""How a worker reports: to its supervisor, or, if that dies, to a caretaker of its own."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable

from queuectl.failpoints import reach
from queuectl.processes.messages import Birth, Born, Leaving, Orders, Report
from queuectl.processes.system import launching
from queuectl.processes.system.channel import Channel, Closed
from queuectl.processes.system.timers import Timers
from queuectl.stores.exchange import Ended, Started

Follow = Callable[[Orders | None], None]
Settle = Callable[[int, int], None]

_FIRST_PAUSE, _LAST_PAUSE = 0.2, 5.0


class Reporting:
    """Keeps each report until it is known to be in the store.

    `follow` is called with orders, and once with None when the supervisor is gone; `settle` with
    row and lease of each run whose end is recorded.
    """

    def __init__(
        self,
        birth: Birth,
        channel: Channel,
        selector: selectors.BaseSelector,
        timers: Timers,
        follow: Follow,
        settle: Settle,
    ) -> None:
        self._birth = birth
        self._selector, self._timers = selector, timers
        self._pause = _FIRST_PAUSE
        self._held_off = False
        self._follow, self._settle = follow, settle
        self._started: list[Started] = []
        self._ended: list[Ended] = []
        self._unrecorded: deque[Report] = deque()
        self._number = 0
        self.orphaned = False
        self.pids: set[int] = set()
        self._channel: Channel | None = None
        self._listen(channel)

    @property
    def all_recorded(self) -> bool:
        """Whether nothing is left to report or to be acknowledged."""
        return not (self._started or self._ended or self._unrecorded)

    def tell(self, word: Born | Leaving) -> None:
        """Say something at once that is not to be recorded."""
        self._transmit(word)

    def started(self, report: Started) -> None:
        """To be told with the next report: a command runs."""
        self._started.append(report)

    def ended(self, report: Ended) -> None:
        """To be told with the next report: a run is over."""
        self._ended.append(report)

    def send(self, *, busy: bool) -> None:
        """Report what has come together; `busy` says that more is to come."""
        if self._started or self._ended:
            self._number += 1
            report = Report(self._number, tuple(self._started), tuple(self._ended))
            self._started, self._ended = [], []
            self._unrecorded.append(report)
            self._transmit(report)
        missing = self.orphaned and self._channel is None and not self._held_off
        if missing and (busy or not self.all_recorded):
            self._call_caretaker()

    def reaped(self, pid: int) -> None:
        """A child that was no run has ended; perhaps the caretaker."""
        self.pids.discard(pid)

    def _transmit(self, word: Born | Leaving | Report) -> None:
        if self._channel is None:
            return
        try:
            self._channel.send(word)
            reach(f"{type(word).__name__} told")
            self._watch()
        except Closed:
            self._lost()

    def _listen(self, channel: Channel) -> None:
        self._channel, self._watches_room = channel, False
        self._selector.register(channel, selectors.EVENT_READ, self._talk)

    def _watch(self) -> None:
        if self._channel is not None and self._channel.has_backlog is not self._watches_room:
            self._watches_room = self._channel.has_backlog
            write = selectors.EVENT_WRITE if self._watches_room else 0
            self._selector.modify(self._channel, selectors.EVENT_READ | write, self._talk)

    def _talk(self) -> None:
        channel = self._channel
        if channel is None:
            return
        try:
            if channel.has_backlog:
                channel.flush()
                self._watch()
            for orders in channel.receive():
                self._forget(orders.recorded)
                self._follow(orders)
        except Closed:
            self._lost()

    def _forget(self, recorded: int) -> None:
        while self._unrecorded and self._unrecorded[0].number <= recorded:
            for one in self._unrecorded.popleft().ended:
                self._settle(one.row, one.lease)
            self._pause = _FIRST_PAUSE
            reach("report known")

    def _lost(self) -> None:
        if self._channel is None:
            return
        self._selector.unregister(self._channel)
        self._channel.close()
        self._channel = None
        if not self.orphaned:
            self.orphaned = True
            self._follow(None)

    def _call_caretaker(self) -> None:
        # One that cannot be had, or ends at once, is not called again at once.
        self._held_off = True
        self._timers.after(self._pause, self._go_on)
        self._pause = min(self._pause * 2, _LAST_PAUSE)
        try:
            channel = self._spawn_caretaker()
        except OSError:
            return
        self._listen(channel)
        for report in list(self._unrecorded):
            self._transmit(report)

    def _go_on(self) -> None:
        self._held_off = False

    def _spawn_caretaker(self) -> Channel:
        birth = self._birth
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = launching.spawn(
                    "caretaker", [birth.id], birth.home, birth.store, theirs.fileno()
                )
            except OSError:
                ours.close()
                raise
        reach("caretaker called")
        self.pids.add(pid)
        return Channel(ours)
