"""What a living supervisor wants a person to know: kept in its lock file, where no room is needed.

The store would be the place for it, but often it is the store that cannot be written.
"""

from __future__ import annotations

import os
from contextlib import suppress

from queuectl.home import locks

_SIZE = 1024


class Notice:
    """The text in a lock file, by the descriptor that holds the lock; empty where all is well."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text: str | None = None
        self.write("")  # takes the room, and what an earlier owner wrote is over

    def write(self, text: str) -> None:
        """Replace the text, cut where it is too long; a disk that takes nothing is left alone."""
        if text != self._text:
            with suppress(OSError):
                os.pwrite(self._descriptor, text.encode()[: _SIZE - 1].ljust(_SIZE, b"\0"), 0)
                self._text = text


def read(lock: str) -> str | None:
    """What the living owner of a lock file says; None where it says nothing, or there is none."""
    if not locks.may_be_held(lock):
        return None
    with suppress(OSError), open(lock, "rb") as file:
        return file.read(_SIZE).rstrip(b"\0").decode(errors="ignore") or None
    return None
