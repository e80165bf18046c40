"""Randomness for jitter, without the 2 ms that importing `random` takes of a one-shot command."""

from __future__ import annotations

import os


def chance() -> float:
    """A random number in [0, 1)."""
    return int.from_bytes(os.urandom(6), "big") / 2**48
