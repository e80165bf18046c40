"""Locks that the kernel releases with the last process that holds them."""

from __future__ import annotations

import fcntl
import os
import time

from queuectl.home import private

# Whoever only looks (`is_held`) holds the lock for an instant; that must not pass for an owner.
_LOOKS = 10
_PAUSE = 0.005


def acquire(path: str) -> int | None:
    """A descriptor that holds the lock file at `path`, or None while somebody else holds it."""
    descriptor = private.open_file(path, os.O_RDWR | os.O_CREAT)
    for _ in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return descriptor
    os.close(descriptor)
    return None


def is_held(path: str) -> bool:
    """Whether a living process holds the lock file at `path`; `OSError` where one cannot look."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def may_be_held(path: str) -> bool:
    """As `is_held`, but a lock that cannot be looked at counts as held: its owner may live."""
    try:
        return is_held(path)
    except OSError:
        return True
