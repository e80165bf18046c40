"""Makes sure that nothing of a home lives, and keeps it so."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from queuectl.domain.errors import RestoreRefused
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.system import environment, identity, leftovers

_MOST_NAMED = 5
_PATIENCE = 2.0


@contextmanager
def alone_in(home: Home) -> Iterator[None]:
    """No worker or job of the home lives, and no supervisor starts meanwhile; `RestoreRefused`."""
    lock = _supervisor_lock(home)
    try:
        _refuse_survivors(home)
        yield
    finally:
        os.close(lock)


def _supervisor_lock(home: Home) -> int:
    # One that ends goes on for a moment after its last worker.
    deadline = time.monotonic() + _PATIENCE
    while (lock := locks.acquire(home.supervisor_lock)) is None:
        if time.monotonic() > deadline:
            raise RestoreRefused("workers are running: run worker stop first")
    return lock


def _refuse_survivors(home: Home) -> None:
    for name in os.listdir(home.folder("run")):
        if locks.is_held(os.path.join(home.locks, name)):
            worker = name.removesuffix(".lock")
            raise RestoreRefused(f"{worker} is still running: run worker stop first")
    # The store that could tell whose they are may be lost: the home is all there is to go by.
    pids = sorted(pid for pid, _ in leftovers.marked() if _is_job_of(pid, home))
    if pids:
        named = ", ".join(map(str, pids[:_MOST_NAMED])) + (", …" if pids[_MOST_NAMED:] else "")
        raise RestoreRefused(f"jobs are still running, end them first: PID {named}")


def _is_job_of(pid: int, home: Home) -> bool:
    mine = environment.variable(pid, "QUEUECTL_HOME") == home.path
    return mine and pid != os.getpid() and identity.started(pid) != identity.NOTHING
