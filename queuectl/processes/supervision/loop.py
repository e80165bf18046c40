"""The supervisor's event loop."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import time
from contextlib import suppress

from queuectl.domain.errors import StoreError, SupervisorLost
from queuectl.domain.fleet import Desired, Supervisor, Worker
from queuectl.domain.settings import Settings
from queuectl.home import wake
from queuectl.home.notice import Notice
from queuectl.processes.supervision.aftercare import Aftercare
from queuectl.processes.supervision.fleet import Fleet
from queuectl.processes.supervision.introduction import introduce
from queuectl.processes.supervision.offspring import Child
from queuectl.processes.supervision.trouble import Trouble
from queuectl.processes.system.signals import Signals
from queuectl.processes.system.timers import Timers
from queuectl.queue import JobQueue
from queuectl.stores.exchange import Lease

log = logging.getLogger(__name__)

_END_OF_CHILD = 5.0
_STARTED_LATER = 0.05
_TOGETHER = 0.01


class Loop:
    """The supervisor's event loop: each turn is one transaction."""

    def __init__(self, queue: JobQueue, notice: Notice) -> None:
        self._queue, self._store, self._home = queue, queue.store, queue.home
        self._me = introduce(queue.home)
        self._settings: Settings = queue.settings()
        self._timers = Timers()
        self._selector = selectors.DefaultSelector()
        self._urgent = selectors.DefaultSelector()
        self._listen()
        self._fleet = Fleet(
            self._store, self._home, self._me, self._selector, self._timers, self._hunger
        )
        place = (str(self._home), self._store.url)
        seqpacket = socket.SOCK_SEQPACKET
        self._nursery = Child("nursery", place, self._timers, self._fleet.births.connect, seqpacket)
        self._scheduler = Child("scheduler", place, self._timers, self._connect_scheduler)
        self._scheduler_line: socket.socket | None = None
        self._aftercare = Aftercare(
            self._store, self._home, self._me, self._timers, self._hunger, self._hold_off
        )
        self.lost = False
        self._desired = Desired.RUN
        self._hungry = True
        self._look_due = self._started_due = False
        self._turn_due: float | None = None
        self._trouble = Trouble(notice, self._timers, self._hunger)
        self._seen: int | None = None

    def _listen(self) -> None:
        self._wake = wake.listen(self._home.wake)
        self._signals = Signals((signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT))
        self._selector.register(self._wake, selectors.EVENT_READ, self._woken)
        self._selector.register(self._signals, selectors.EVENT_READ, self._act_on_signals)
        self._urgent.register(self._wake, selectors.EVENT_READ)
        self._urgent.register(self._signals, selectors.EVENT_READ)

    @property
    def me(self) -> Supervisor:
        """This supervisor's row."""
        return self._me

    @property
    def is_to_stop(self) -> bool:
        """Whether it was told to."""
        return self._desired.stops

    @property
    def crew(self) -> list[Worker]:
        """The workers that it is to have."""
        return [] if self._desired.stops else self._fleet.rows()

    def begin(self) -> None:
        """Take the place of whoever was supervisor before."""
        self._store.enter(self._me)
        self._nursery.start()
        self._scheduler.start()
        self._poll()
        self._aftercare.settle()
        self._beat()
        log.info("supervisor %s started, pid %d", self._me.id, self._me.pid)

    def run(self) -> None:
        """Loop until told to stop and everything has ended and is recorded.

        Or until `lost`: others took it for dead and have its jobs, so that it ends what it runs.
        """
        while not (self.lost or self._is_done()):
            for key, _ in self._events():
                key.data()
            self._timers.fire()
            if self._look_due:
                self._read_settings()  # they hold for every job that was enqueued after them
            self._turn()  # before the rest is looked at: a new job should start at once
            if self._look_due:
                self._look()
        self._end()

    def _is_done(self) -> bool:
        return self._desired.stops and not self._fleet and not self._fleet.abandoned()

    def _end(self) -> None:
        if self.lost:
            log.warning("supervisor %s was taken for dead: it ends what it runs", self._me.id)
            self._fleet.kill()
        self._drop_scheduler_line()
        self._fleet.births.disconnect()
        self._fleet.tidy()
        with suppress(StoreError):
            self._store.leave(self._me.id)
        for child in (self._scheduler, self._nursery):
            child.end(_END_OF_CHILD)
        self._selector.close()
        self._urgent.close()
        self._signals.close()
        os.close(self._wake)
        log.info("supervisor %s ended", self._me.id)

    # Events.

    def _events(self) -> list[tuple[selectors.SelectorKey, int]]:
        """What has come, after a sleep: one that no report ends if a turn waits for many."""
        waits = self._turn_due is not None and time.monotonic() < self._turn_due
        if not waits or self._hungry or self._fleet.spare == 0:
            return self._selector.select(self._timers.sleep())
        self._urgent.select(self._timers.sleep())
        return self._selector.select(0)

    def _woken(self) -> None:
        wake.hush(self._wake)
        self._hungry = True
        self._seen = None
        self._look_due = True

    def _hunger(self) -> None:
        self._hungry = True

    def _act_on_signals(self) -> None:
        arrived = self._signals.arrived()
        if signal.SIGCHLD in arrived:
            for name, child in (("scheduler", self._scheduler), ("nursery", self._nursery)):
                cause = child.reap()
                if cause is not None and not self._desired.stops:
                    log.warning("%s died: %s; it is started again", name, cause)
        if signal.SIGQUIT in arrived:
            self._stop(Desired.STOP_NOW)
        elif arrived & {signal.SIGTERM, signal.SIGINT}:
            self._stop(Desired.STOP_NOW if self._desired.stops else Desired.STOP)

    def _stop(self, desired: Desired) -> None:
        if desired.strength <= self._desired.strength:
            return
        log.info("supervisor %s: %s", self._me.id, desired)
        self._desired = desired
        self._fleet.stop_all(desired)
        with suppress(StoreError):
            self._store.wish_supervisor(self._me.id, desired)

    # What the store says.

    def _poll(self) -> None:
        self._hungry = True
        self._look()
        self._timers.after(self._settings.poll, self._poll)

    def _look(self) -> None:
        self._look_due = False
        try:
            version = self._store.data_version()
            if version != self._seen:
                self._read_wishes()
                self._seen = version
            self._fleet.end_drained()
        except StoreError as error:
            self._hold_off(error)
        else:
            if not self._fleet.unrecorded:
                self._recover()
        if self._fleet.drained:
            self._stop(Desired.STOP)

    def _read_settings(self) -> None:
        try:
            self._settings = self._queue.settings()
        except StoreError as error:
            self._hold_off(error)
        else:
            self._fleet.obey(self._settings)

    def _read_wishes(self) -> None:
        self._read_settings()
        mine = [row for row in self._store.workers() if row.supervisor == self._me.id]
        self._fleet.follow(mine)
        for known in self._store.supervisors():
            if known.id == self._me.id and known.desired.stops:
                self._stop(known.desired)
        self._fleet.cancel(
            Lease(holding.row, holding.lease)
            for holding in self._store.holdings()
            if holding.cancel_requested
        )
        self._tell_scheduler()

    def _beat(self) -> None:
        try:
            self._aftercare.watch(self._settings.patience)
            self._store.beat(self._me.id, self._trouble.note)
        except SupervisorLost:
            self.lost = True
        except StoreError as error:  # the next turn finds out, and says so
            self._aftercare.blocked(error)
        self._timers.after(self._settings.heartbeat, self._beat)

    # The turn.

    def _turn(self) -> None:
        if self._trouble.held_off:
            return
        members, abandoned = self._fleet.reports(), self._fleet.abandoned()
        if members and not (self._hungry or abandoned) and self._more_may_come():
            return
        demands = self._fleet.demands() if self._hungry or members else []
        if not (members or abandoned or demands):
            return
        reports = [report for member in members for report in member.reports]
        ended = [one for report in reports for one in report.ended]
        over = {(one.row, one.lease) for one in ended}
        started = [
            one for report in reports for one in report.started if (one.row, one.lease) not in over
        ]
        if not (ended or abandoned or demands or self._started_due):
            # That a command runs is worth no transaction of its own: most end soon.
            self._timers.after(_STARTED_LATER, self._let_started_be_recorded)
            return
        try:
            turn = self._store.turn(self._me.id, started, ended + abandoned, demands)
        except StoreError as error:
            self._hold_off(error)
            return
        self._recover()
        self._hungry = self._started_due = False
        self._turn_due = None
        self._fleet.recorded(members, turn.assignments)
        if any(decision.run_at is not None for _, decision in turn.decided):
            self._tell_scheduler()

    def _more_may_come(self) -> bool:
        """Whether to wait: all have enough to do, and one transaction may record more of it."""
        now = time.monotonic()
        if self._turn_due is None:
            patience = min(_TOGETHER, self._fleet.spare or _TOGETHER)
            self._turn_due = now + patience
            self._timers.after(patience, lambda: None)
        return now < self._turn_due

    def _let_started_be_recorded(self) -> None:
        self._started_due = True

    def _hold_off(self, error: StoreError) -> None:
        self.lost = self.lost or isinstance(error, SupervisorLost)
        self._trouble.begin(error, self._fleet.unrecorded)
        self._aftercare.blocked(error)

    def _recover(self) -> None:
        if self._trouble.end():
            with suppress(StoreError):
                self._store.beat(self._me.id, None)

    # The scheduler.

    def _connect_scheduler(self, connection: socket.socket) -> None:
        self._drop_scheduler_line()
        connection.setblocking(False)
        self._scheduler_line = connection

    def _drop_scheduler_line(self) -> None:
        if self._scheduler_line is not None:
            self._scheduler_line.close()
            self._scheduler_line = None

    def _tell_scheduler(self) -> None:
        # One byte means: look when the next job is due. A full pipe says so already.
        if self._scheduler_line is not None:
            with suppress(OSError):
                self._scheduler_line.send(b"d", socket.MSG_NOSIGNAL)
