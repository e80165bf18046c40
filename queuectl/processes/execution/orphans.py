"""Children that a worker inherits: what a command left behind when its own parents ended."""

from __future__ import annotations

import contextlib
import os

_SET_CHILD_SUBREAPER = 36  # from linux/prctl.h


def adopt() -> bool:
    """Become the parent of orphaned descendants, instead of init; whether the system can."""
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
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def exited() -> int | None:
    """The pid of a child that has ended and was not reaped, if any; it stays a zombie."""
    with contextlib.suppress(ChildProcessError):
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return found.si_pid if found else None
    return None
