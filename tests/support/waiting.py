"""Waiting for a condition with a generous deadline, instead of sleeping for luck."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 60.0
_LONGEST_STEP = 5.0
Result = TypeVar("Result")


def until(condition: Callable[[], Result], what: str = "", deadline: float = DEADLINE) -> Result:
    """The first true answer of `condition`; fails after `deadline` seconds.

    A machine that was paused meanwhile shows one long step of the clock, which counts little.
    """
    waited, last = 0.0, time.monotonic()
    while not (result := condition()):
        assert waited < deadline, f"not within {deadline:g} s: {what or condition}"
        time.sleep(0.01)
        now = time.monotonic()
        waited, last = waited + min(now - last, _LONGEST_STEP), now
    return result
