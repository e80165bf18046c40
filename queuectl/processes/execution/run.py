"""One run of a command inside a worker, from its start until nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from enum import StrEnum

from queuectl.domain.lifecycle import End, Outcome
from queuectl.domain.text import last_line
from queuectl.domain.timing import format_duration
from queuectl.domain.transcript import STDERR, STDOUT
from queuectl.processes.execution.recorder import Recorder
from queuectl.processes.execution.spawning import Spawned
from queuectl.processes.system import identity
from queuectl.processes.system.out_of_memory import Witness
from queuectl.processes.system.timers import Timer
from queuectl.stores.exchange import Assignment, Ended, Lease, Started

_CHUNK = 65536
# What a leftover writes after its command has ended is taken up to here, not for ever.
_LAST_READS = 64
_starts = identity.Starts()
_SHELL_SAYS_KILLED = 128 + signal.SIGKILL


class Verdict(StrEnum):
    """Why the worker ends a command."""

    TIMEOUT = "timeout"
    CANCEL = "cancel"
    SHUTDOWN = "shutdown"


class Run:
    """A command that was started, its pipes and what it wrote; times are monotonic seconds."""

    def __init__(
        self,
        assignment: Assignment,
        mark: str,
        spawned: Spawned,
        recorder: Recorder,
        victims: int | None = None,
    ) -> None:
        self.assignment, self.mark = assignment, mark
        self.pid = spawned.pid
        self._ticks = spawned.ticks
        self.recorder = recorder
        self._victims = victims  # of the out-of-memory killer, before this was started
        self._largest = 0
        self._out_of_memory = False
        self.listened_to = False
        self.streams = {spawned.stdout: STDOUT, spawned.stderr: STDERR}
        self.began = time.monotonic()
        self.ended: float | None = None
        self.verdict: Verdict | None = None
        self.killed = False
        self.timers: list[Timer] = []
        self._status: tuple[int | None, int | None] = (None, None)

    @property
    def lease(self) -> Lease:
        """The claim under which this runs."""
        return Lease(self.assignment.row, self.assignment.lease)

    @property
    def has_exited(self) -> bool:
        """Whether the command itself has ended; leftovers may live."""
        return self.ended is not None

    def started(self) -> Started:
        """The report that it runs."""
        return Started(*self.lease, self.pid, _starts.of(self.pid, *self._ticks))

    def read(self, descriptor: int) -> bool:
        """Take what a pipe has now; False at its end-of-file."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return True
        if data:
            self.recorder.feed(self.streams[descriptor], data)
        return bool(data)

    def read_rest(self) -> None:
        """Take what is readable still; a grandchild may hold the pipe, so no end is awaited."""
        for descriptor in list(self.streams):
            for _ in range(_LAST_READS):
                try:
                    data = os.read(descriptor, _CHUNK)
                except BlockingIOError:
                    break
                if not data:
                    self._hang_up(descriptor)
                    break
                self.recorder.feed(self.streams[descriptor], data)

    def _hang_up(self, descriptor: int) -> None:
        if not self.listened_to:  # else who listens has to know
            del self.streams[descriptor]
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the pipes."""
        for descriptor in self.streams:
            os.close(descriptor)
        self.streams = {}

    def signal(self, number: int) -> None:
        """Signal the whole process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def reap(self, peeked: int) -> None:
        """Collect the exit of the command, which is a zombie, after a signal to its group.

        While the zombie is there its pid, and so the group's, cannot be used again. `peeked` is the
        code or signal that it ended with.
        """
        self.signal(signal.SIGKILL if self.killed else signal.SIGTERM)
        if peeked == _SHELL_SAYS_KILLED:
            _, status, usage = os.wait4(self.pid, 0)
            self._largest = usage.ru_maxrss * 1024  # its own, or of a child that it waited for
        else:
            _, status = os.waitpid(self.pid, 0)  # in half the time
        self.ended = time.monotonic()
        code = os.waitstatus_to_exitcode(status)
        self._status = (code, None) if code >= 0 else (None, -code)

    def group_lives(self) -> bool:
        """Whether a process of the group, whose leader was reaped, is there still."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def explain(self, witness: Witness) -> None:
        """Find out, after it was reaped, whether it was killed because memory had run out."""
        if self.verdict is None and self._status == (None, signal.SIGKILL):
            self._out_of_memory = witness.killed(self.pid, self.began, self._victims)
        elif self.verdict is None and self._status == (_SHELL_SAYS_KILLED, None):
            self._out_of_memory = witness.killed_below(self._largest, self.began, self._victims)

    def outcome(self) -> Outcome:
        """How it ended."""
        code, number = self._status
        match self.verdict:
            case Verdict.TIMEOUT:
                limit = format_duration(self.assignment.timeout or 0)
                return Outcome(End.TIMED_OUT, code, number, f"timed out after {limit}")
            case Verdict.SHUTDOWN:
                return Outcome(End.INTERRUPTED, code, number, "interrupted by a shutdown")
            case Verdict.CANCEL if code != 0:
                return Outcome(End.CANCELLED, code, number, "cancelled")
        if self._out_of_memory:
            return Outcome(End.OUT_OF_MEMORY, code, number, "out of memory: killed by the kernel")
        if number is not None:
            return Outcome(End.SIGNALED, None, number, self._words() or f"signal {number}")
        error = None if code == 0 else self._words() or f"exit code {code}"
        return Outcome(End.EXITED, code, None, error)

    def _words(self) -> str | None:
        return last_line(self.recorder.last_words)

    def report(self) -> Ended:
        """The report of its end; ends the recording."""
        self.close()
        seconds = (self.ended or time.monotonic()) - self.began
        return Ended(*self.lease, self.outcome(), seconds, self.recorder.finish())
