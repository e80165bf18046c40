"""What a process says on stderr before it ends: a full disk under the log must not add to it."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(text: str) -> None:
    """Write a line to stderr, if it takes one."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)
