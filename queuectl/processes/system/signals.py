"""Signals as readable events: handlers do nothing, the loop acts."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable

_CHUNK = 4096


class Signals:
    """A descriptor that becomes readable when one of the signals arrives."""

    def __init__(self, wanted: Iterable[signal.Signals]) -> None:
        self._reader, self._writer = os.pipe()
        for descriptor in (self._reader, self._writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in wanted:
            signal.signal(number, _nothing)

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._reader

    def close(self) -> None:
        """Listen no more, as a forked child must before it listens for itself."""
        signal.set_wakeup_fd(-1)
        os.close(self._reader)
        os.close(self._writer)

    def arrived(self) -> set[int]:
        """The signals that came since the last call."""
        numbers: set[int] = set()
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._reader, _CHUNK):
                numbers.update(data)
                if len(data) < _CHUNK:
                    break
        return numbers


def _nothing(number: int, frame: object) -> None:
    """The byte in the pipe is all that is needed."""
