"""Tells victims of the kernel's out-of-memory killer from processes that somebody else killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from queuectl.processes.system import kernel_log, kill_counter
from queuectl.processes.system.kernel_log import Kill
from queuectl.processes.system.kill_counter import KillCounter

_FRESH = 0.1  # a count not older than this many seconds is good enough for the next start
# The kernel counts a kill, sends the signal, and only then writes the line about it.
_LOOKS, _PAUSE, _SETTLED = 4, 0.003, 1.0
# The clock of the log is not steered like the monotonic one: seconds, and seconds a second.
_CLOCK_ERROR, _CLOCK_DRIFT = 1.0, 1e-4
# How far the kernel's two accounts of a process's size may lie apart: a factor, and bytes.
_SIZE_FACTOR, _SIZE_ERROR = 1.1, 16 * 1024 * 1024


class Witness(Protocol):
    """Asked after a death by SIGKILL, or a code that stands for one; times are monotonic seconds.

    `before` is what `count` said before the process started.
    """

    def count(self) -> int | None:
        """The number of victims until now, where that has to be known before a start; cheap."""

    def killed(self, pid: int, began: float, before: int | None = None) -> bool:
        """Whether the process that was `pid` since `began` was a victim."""

    def killed_below(self, largest: int, began: float, before: int | None = None) -> bool:
        """Whether a descendant of it was, of which the largest once had so many bytes."""


def witness() -> Witness:
    """The best one that there is on this machine."""
    if kernel_log.is_readable():
        return LogWitness(kernel_log.kills, kill_counter.of_system())
    return CountWitness(kill_counter.nearest())


class LogWitness:
    """Knows the victims by pid, from the kernel's log; reads it only where the count has grown."""

    def __init__(self, read_log: Callable[[], list[Kill]], counter: KillCounter) -> None:
        self._read_log, self._counter = read_log, counter
        self._count = counter.read()
        self._grown = float("-inf")
        self._known: list[Kill] = []
        self._explained: set[Kill] = set()

    def count(self) -> int | None:
        """Nothing has to be known before a start."""
        return None

    def killed(self, pid: int, began: float, before: int | None = None) -> bool:
        """Whether the log names the process."""
        return self._find(lambda kill: kill.pid == pid, began)

    def killed_below(self, largest: int, began: float, before: int | None = None) -> bool:
        """Whether the log names one that may be meant: it knows no parents.

        A victim that was larger than all descendants is somebody else's, and so is one that
        explains another death already.
        """
        most = largest * _SIZE_FACTOR + _SIZE_ERROR
        return self._find(lambda kill: kill.size <= most and kill not in self._explained, began)

    def _find(self, fits: Callable[[Kill], bool], began: float) -> bool:
        earliest = began - _CLOCK_ERROR - began * _CLOCK_DRIFT
        for _ in range(_LOOKS):
            news = self._may_have_news()
            if news:
                self._known = self._read_log()
            found = [kill for kill in self._known if kill.at >= earliest and fits(kill)]
            if found:
                # Of several that fit, the largest leaves the others for smaller processes.
                self._explained.add(max(found, key=lambda kill: kill.size))
            if found or not news:
                return bool(found)
            time.sleep(_PAUSE)
        return False

    def _may_have_news(self) -> bool:
        count, now = self._counter.read(), time.monotonic()
        if count is None or count != self._count:
            self._count, self._grown = count, now
        return now - self._grown < _SETTLED


class CountWitness:
    """Knows only how many victims there were: of its cgroup, or of the machine."""

    def __init__(self, counter: KillCounter) -> None:
        self._counter = counter
        self._looked = float("-inf")
        self._count: int | None = None

    def count(self) -> int | None:
        """The count, read anew where the last one is older than a moment."""
        now = time.monotonic()
        if now - self._looked >= _FRESH:
            self._looked, self._count = now, self._counter.read()
        return self._count

    def killed(self, pid: int, began: float, before: int | None = None) -> bool:
        """Whether there was a victim since then; False for whom no count was taken."""
        now = self._counter.read()
        return now is not None and before is not None and now > before

    def killed_below(self, largest: int, began: float, before: int | None = None) -> bool:
        """The same: a count tells no more."""
        return self.killed(0, began, before)
