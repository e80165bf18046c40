"""Notices when the wall clock is set, by comparing it with a clock that cannot be."""

from __future__ import annotations

import time
from collections.abc import Callable

from queuectl.domain.timing import CLOCK_TOLERANCE


def _steady() -> float:
    # Boot time goes on while the machine sleeps, so waking up is no step.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Clocks:
    """Remembers how far the wall clock is from the steady one; both tell seconds."""

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = _steady
    ) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()

    def step(self) -> float:
        """Seconds by which the wall clock was set since the last step; 0 if not."""
        offset = self._wall() - self._steady()
        moved = offset - self._offset
        if abs(moved) <= CLOCK_TOLERANCE:
            return 0.0
        self._offset = offset
        return moved
