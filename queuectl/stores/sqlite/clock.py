"""The clocks of this host: the wall clock, which can be set, and one that cannot be."""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import Protocol

# Boot time goes on while the machine sleeps, so that waking up is no step of the wall clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What a store takes the time from; both clocks tell microseconds."""

    def __call__(self) -> int:
        """The instant by the wall clock."""

    def steady(self) -> int:
        """The time since an unknown moment, by a clock that nobody can set."""

    @property
    def era(self) -> str:
        """A text that differs wherever `steady` counts from another moment; empty if unknown."""


class SystemClock:
    """The clocks of the host."""

    def __call__(self) -> int:
        return time.time_ns() // 1000

    def steady(self) -> int:
        return time.clock_gettime_ns(_STEADY) // 1000

    @cached_property
    def era(self) -> str:
        try:
            with open("/proc/sys/kernel/random/boot_id") as file:
                boot = file.read().strip()
        except OSError:
            return ""
        try:
            # A container may have its own zero of the steady clock.
            return f"{boot} {os.readlink('/proc/self/ns/time')}"
        except OSError:
            return boot


SYSTEM_CLOCK = SystemClock()
