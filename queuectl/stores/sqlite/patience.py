"""Waiting for a lock that another connection holds."""

from __future__ import annotations

import time

from queuectl.stores.chance import chance

LIMIT = 30.0  # seconds in all
LONGEST_NAP = 0.002  # seconds


class Patience:
    """Waits for a lock in naps of random length.

    SQLite's own waiting looks the less often the longer it has lasted, so that some starve; here
    all who wait have the same chance.
    """

    def __init__(self) -> None:
        self._deadline = 0.0

    def __call__(self, naps: int) -> bool:
        """Whether to try again, after a nap; `naps` is how many there were for this lock."""
        now = time.monotonic()
        if naps == 0:
            self._deadline = now + LIMIT
        if now >= self._deadline:
            return False
        time.sleep(LONGEST_NAP * chance())
        return True
