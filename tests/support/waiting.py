"""Waiting for a condition with a generous deadline, instead of sleeping for luck."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 60.0
Result = TypeVar("Result")


def until(condition: Callable[[], Result], what: str = "", deadline: float = DEADLINE) -> Result:
    """The first true answer of `condition`; fails after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {deadline:g} s: {what or condition}"
        time.sleep(0.01)
    return result
