"""The FIFO that wakes a supervisor: whoever changed the store rings, the supervisor listens."""

from __future__ import annotations

import contextlib
import os
import stat

from queuectl.home import private


def ring(path: str) -> None:
    """Wake the supervisor that listens at `path`, if any; never blocks, never fails.

    A lost ring costs one poll interval, so every failure is left alone.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"w")
        finally:
            os.close(descriptor)


def listen(path: str) -> int:
    """A readable, non-blocking descriptor of the FIFO at `path`, made anew where it is not one.

    Opened for writing too, so that it never reports end-of-file between two writers.
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISFIFO(os.lstat(path).st_mode):
            os.unlink(path)
    private.make_fifo(path)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def hush(descriptor: int) -> None:
    """Take all rings out of the FIFO."""
    with contextlib.suppress(BlockingIOError):
        while len(os.read(descriptor, 4096)) == 4096:
            pass
