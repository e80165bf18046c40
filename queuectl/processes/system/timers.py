"""Deadlines of an event loop, on the monotonic clock."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterable


class Timer:
    """Something due at a monotonic time; without an action it was cancelled."""

    __slots__ = ("action", "due")

    def __init__(self, due: float, action: Callable[[], None]) -> None:
        self.due = due
        self.action: Callable[[], None] | None = action


class Timers:
    """The timers of one loop: ask how long to sleep, then fire what is due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()
        self._cancelled = 0

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call `action` once, `seconds` from now."""
        timer = Timer(time.monotonic() + seconds, action)
        heapq.heappush(self._heap, (timer.due, next(self._count), timer))
        return timer

    def cancel(self, timers: Iterable[Timer]) -> None:
        """Never let these fire."""
        for timer in timers:
            if timer.action is not None:
                timer.action = None
                self._cancelled += 1
        # Long time-outs of short commands would pile up until they are due.
        if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def sleep(self) -> float | None:
        """Seconds until the next timer is due, None without timers."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None

    def fire(self) -> None:
        """Call all that are due."""
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            action = heapq.heappop(self._heap)[2].action
            if action is not None:
                action()
