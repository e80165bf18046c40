"""The worker: a child process that executes commands and nothing else."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from functools import partial

from queuectl.domain.errors import HomeUnusable
from queuectl.domain.fleet import Desired
from queuectl.domain.lifecycle import End, Outcome
from queuectl.domain.secrets import without_password
from queuectl.executors.local import JOB_VARIABLES, CannotLaunch, Local
from queuectl.failpoints import reach
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.execution import orphans
from queuectl.processes.execution.aftermath import Aftermath
from queuectl.processes.execution.recorder import Recorder
from queuectl.processes.execution.reporting import Reporting
from queuectl.processes.execution.run import Run, Verdict
from queuectl.processes.execution.spawning import Spawned, spawn
from queuectl.processes.execution.waiting import Waiting
from queuectl.processes.messages import NO_ROOM, Birth, Born, Leaving, Orders
from queuectl.processes.system import last_word, out_of_memory, title
from queuectl.processes.system.channel import Channel
from queuectl.processes.system.ledger import Ledger
from queuectl.processes.system.leftovers import MARKER, marker
from queuectl.processes.system.shortage import is_shortage
from queuectl.processes.system.signals import Signals
from queuectl.processes.system.timers import Timers
from queuectl.stores.exchange import Assignment, Ended, Lease

# Most commands end before anything of them has to be read: their pipes are long enough till then.
_LISTEN_AFTER = 0.005
_SPILL_AFTER = 0.1
_LOOK_AGAIN = 0.05


class Worker:
    """An event loop over commands, their pipes and timers, and the channel to the supervisor."""

    def __init__(self, birth: Birth, connection: socket.socket, ledger: Ledger) -> None:
        self._birth = birth
        self._ledger = ledger
        self._home = Home(birth.home).serving(birth.store, birth.uuid)
        self._rules = birth.rules
        self._local = Local(_base_environment(birth))
        self._timers = Timers()
        self._selector = selectors.DefaultSelector()
        self._signals = Signals((signal.SIGCHLD, signal.SIGTERM, signal.SIGQUIT))
        self._selector.register(self._signals, selectors.EVENT_READ, self._act_on_signals)
        channel = Channel(connection)
        self._reporting = Reporting(
            birth, channel, self._selector, self._timers, self._follow, ledger.settle
        )
        self._runs: dict[int, Run] = {}
        self._waiting = Waiting(self._timers, self._free, self._return)
        self._witness = out_of_memory.witness()
        self._aftermath = Aftermath(self._timers, self._finish)
        self._desired = Desired.RUN

    def loop(self) -> None:
        """Run until told to stop, or until the supervisor is gone and everything is recorded."""
        self._reporting.tell(Born(os.getpid()))
        while not self._is_done():
            for key, _ in self._selector.select(self._timers.sleep()):
                key.data()
            self._timers.fire()
            if self._is_ending:
                self._waiting.give_back()
            self._waiting.begin(self._start)
            self._reporting.send(busy=bool(self._runs))

    def _free(self) -> int:
        return self._birth.slots - len(self._runs)

    @property
    def _is_ending(self) -> bool:
        return self._desired.stops or self._reporting.orphaned

    def _is_done(self) -> bool:
        return self._is_ending and not self._runs and self._reporting.all_recorded

    # What the supervisor says.

    def _follow(self, orders: Orders | None) -> None:
        if orders is None:  # the supervisor is gone: finish what runs, start nothing more
            self._waiting.give_back()
            return
        self._rules = orders.rules or self._rules
        self._waiting.extend(orders.assignments)
        for lease in orders.cancels:
            self._cancel(lease)
        self._stop(orders.desired)

    def _cancel(self, lease: Lease) -> None:
        for run in self._runs.values():
            if run.lease == lease:
                self._end(run, Verdict.CANCEL)
        self._waiting.cancel(lease)

    def _stop(self, desired: Desired) -> None:
        if not desired.stops or desired.strength <= self._desired.strength:
            return
        self._desired = desired
        self._reporting.tell(Leaving())
        self._waiting.give_back()
        if desired is Desired.STOP:
            self._timers.after(self._rules.shutdown_grace, self._interrupt)
        else:
            self._interrupt()

    def _interrupt(self) -> None:
        for run in list(self._runs.values()):
            self._end(run, Verdict.SHUTDOWN)

    def _return(self, assignment: Assignment) -> None:
        outcome = Outcome(End.RETURNED)
        self._reporting.ended(Ended(assignment.row, assignment.lease, outcome, None, b""))

    # Starting.

    def _start(self, assignment: Assignment) -> None:
        """Start a command; `OSError` means that it certainly does not run."""
        mark = marker(self._birth.uuid, assignment.row, assignment.lease)
        try:
            spawned, victims = self._spawn(assignment, mark)
        except CannotLaunch as error:
            self._cannot(assignment, error.code, str(error))
            return
        try:
            self._attend(assignment, mark, spawned, victims)
        except OSError as error:
            # It runs, and must not be taken for one that does not: rescue is for the supervisor.
            raise RuntimeError(f"a command was started and cannot be attended: {error}") from error

    def _spawn(self, assignment: Assignment, mark: str) -> tuple[Spawned, int | None]:
        try:
            os.chdir(assignment.cwd or "/")
        except OSError as error:
            if is_shortage(error):
                raise
            raise CannotLaunch(f"cwd {assignment.cwd}", 126, error.strerror or "unusable") from None
        launch = self._local.build(assignment, mark)
        self._ledger.begin(assignment.row, assignment.lease)
        reach("run to begin")
        victims = self._witness.count()
        try:
            spawned = spawn(launch)
        except OSError:
            self._ledger.settle(assignment.row, assignment.lease)
            raise
        reach("run spawned")
        return spawned, victims

    def _attend(
        self, assignment: Assignment, mark: str, spawned: Spawned, victims: int | None
    ) -> None:
        path = self._home.output(assignment.row, assignment.lease)
        recorder = Recorder(path, self._rules.output_limit)
        run = Run(assignment, mark, spawned, recorder, victims)
        self._runs[run.pid] = run
        run.timers.append(self._timers.after(_LISTEN_AFTER, partial(self._attend_longer, run)))
        if assignment.timeout is not None:
            end = partial(self._end, run, Verdict.TIMEOUT)
            run.timers.append(self._timers.after(assignment.timeout, end))
        self._tell_started(run)

    def _attend_longer(self, run: Run) -> None:
        self._listen(run)
        rest = _SPILL_AFTER - _LISTEN_AFTER
        run.timers.append(self._timers.after(rest, run.recorder.spill))

    def _listen(self, run: Run) -> None:
        run.listened_to = True
        for descriptor in run.streams:
            read = partial(self._read, run, descriptor)
            self._selector.register(descriptor, selectors.EVENT_READ, read)

    def _tell_started(self, run: Run) -> None:
        try:
            self._reporting.started(run.started())
        except OSError:  # no descriptor is left to look when it started
            again = partial(self._tell_started, run)
            run.timers.append(self._timers.after(_LOOK_AGAIN, again))

    def _cannot(self, assignment: Assignment, code: int, reason: str) -> None:
        outcome = Outcome(End.NOT_STARTED, code, None, reason)
        self._reporting.ended(Ended(assignment.row, assignment.lease, outcome, 0.0, b""))

    # Ending.

    def _end(self, run: Run, verdict: Verdict) -> None:
        if run.has_exited or run.pid not in self._runs:
            return
        # A cancel outranks a time-out or a shutdown that already ends the command, not vice versa.
        if run.verdict is None or verdict is Verdict.CANCEL:
            run.verdict = verdict
        run.signal(signal.SIGTERM)
        run.signal(signal.SIGCONT)
        run.timers.append(self._timers.after(self._rules.kill_grace, partial(self._kill, run)))

    def _kill(self, run: Run) -> None:
        if not run.has_exited:
            run.killed = True
            run.signal(signal.SIGKILL)

    def _read(self, run: Run, descriptor: int) -> None:
        if descriptor in run.streams and not run.read(descriptor):
            self._selector.unregister(descriptor)
            del run.streams[descriptor]
            os.close(descriptor)

    def _act_on_signals(self) -> None:
        arrived = self._signals.arrived()
        if signal.SIGCHLD in arrived:
            self._reap()
        if signal.SIGQUIT in arrived:
            self._stop(Desired.STOP_NOW)
        elif signal.SIGTERM in arrived:
            again = self._desired is Desired.STOP
            self._stop(Desired.STOP_NOW if again else Desired.STOP)

    def _reap(self) -> None:
        over: list[Run] = []
        while (exited := orphans.exited()) is not None:
            pid = exited.si_pid
            run = self._runs.get(pid)
            if run is None:
                os.waitpid(pid, 0)
                self._reporting.reaped(pid)
                continue
            reach("run exited")
            run.read_rest()
            run.reap(exited.si_status)
            run.explain(self._witness)
            reach("run reaped")
            self._timers.cancel(run.timers)
            self._aftermath.add(run, self._rules.kill_grace)
            over.append(run)
        self._aftermath.look(self._runs, self._reporting.pids)
        for run in over:
            if run.pid in self._runs and not run.listened_to:
                self._listen(run)  # what is left of it may have much to say

    def _finish(self, run: Run) -> None:
        run.read_rest()
        if run.listened_to:
            for descriptor in run.streams:
                self._selector.unregister(descriptor)
        del self._runs[run.pid]
        self._reporting.ended(run.report())
        reach("run finished")


def _base_environment(birth: Birth) -> dict[str, str]:
    environment = {key: text for key, text in os.environ.items() if key not in JOB_VARIABLES}
    environment["QUEUECTL_HOME"] = birth.home
    environment["QUEUECTL_STORE"] = without_password(birth.store)
    assert MARKER not in environment
    return environment


def main(birth: Birth, connection: socket.socket) -> None:
    """Be a worker; returns when it has ended in order, exits with `NO_ROOM` if it cannot begin."""
    title.show(f"worker {birth.number}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is meant for the supervisor
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        worker = _begin(birth, connection)
    except (OSError, HomeUnusable) as error:
        last_word.say(f"worker {birth.id} cannot begin: {error}")
        sys.exit(NO_ROOM)
    if worker is not None:
        worker.loop()


def _begin(birth: Birth, connection: socket.socket) -> Worker | None:
    home = Home(birth.home).serving(birth.store, birth.uuid)
    home.make_locks()
    lock = locks.acquire(home.worker_lock(birth.id))
    if lock is None:
        return None
    reach("worker locked")
    orphans.adopt()
    # What an earlier life of this worker had begun is settled.
    return Worker(birth, connection, Ledger(lock, birth.slots))
