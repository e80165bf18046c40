"""Children that a worker inherits: what a command left behind when its own parents ended."""

from __future__ import annotations

import os
from functools import cache

_CHUNK = 65536
_WHOLE = 2048  # bytes that Linux, which fills pages, gives at once if there is no more
_SET_CHILD_SUBREAPER = 36  # from linux/prctl.h


def adopt() -> bool:
    """Become the parent of orphaned descendants, instead of init; whether the system can.

    Raises `OSError` where no descriptor can be had for looking at them.
    """
    children()
    try:
        import ctypes

        answer: int = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return answer == 0
    except (ImportError, OSError, AttributeError):
        return False


def children() -> list[int]:
    """The pids of this process's children, zombies included; empty where /proc has no such list.

    Raises `OSError` where one cannot look.
    """
    descriptor = _list_of_children(os.getpid())
    if descriptor is None:
        return []
    found = os.pread(descriptor, _CHUNK, 0)
    if len(found) > _WHOLE:
        while chunk := os.pread(descriptor, _CHUNK, len(found)):
            found += chunk
    return [int(word) for word in found.split()]


@cache
def _list_of_children(pid: int) -> int | None:
    # Kept open: a command that has ended can be reported when no more descriptors can be had.
    try:
        return os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def exited() -> os.waitid_result | None:
    """A child that has ended and was not reaped, if any; it stays a zombie."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
