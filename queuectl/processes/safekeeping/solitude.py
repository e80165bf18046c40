"""Makes sure that nothing of a home lives, and keeps it so."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from queuectl.domain.errors import RestoreRefused, StoreDamaged
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.system import environment, identity, leftovers
from queuectl.processes.system.environment import serves
from queuectl.stores import file_of, open_store

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
    for path in home.all_locks:
        if locks.is_held(path):
            worker = os.path.basename(path).removesuffix(".lock")
            raise RestoreRefused(f"{worker} is still running: run worker stop first")
    # The store that could tell whose they are may be lost: the home is all there is to go by.
    pids = sorted(pid for pid, _ in leftovers.marked() if _is_job_of(pid, home))
    if pids:
        raise RestoreRefused(f"jobs are still running, end them first: PID {_named(pids)}")


def refuse_company(url: str) -> None:
    """Nothing of the store lives in another home of this host; `RestoreRefused`."""
    place = file_of(url)
    if place is not None and not os.path.exists(place):
        return
    try:
        with open_store(url) as store:
            uuid, known = store.uuid, store.supervisors()
    except StoreDamaged:  # it tells nothing
        return
    for one in known:
        here = one.host == identity.host() and one.ended_at is None
        if here and identity.is_alive(one.pid, one.pid_started) and serves(one.pid, url):
            raise RestoreRefused(f"a supervisor of {one.home} works on it: run worker stop there")
    pids = sorted(pid for pid, mark in leftovers.marked() if mark.startswith(f"{uuid}:"))
    if strangers := [pid for pid in pids if pid != os.getpid() and identity.started(pid)]:
        raise RestoreRefused(f"jobs of other homes are still running: PID {_named(strangers)}")


def _named(pids: list[int]) -> str:
    return ", ".join(map(str, pids[:_MOST_NAMED])) + (", …" if pids[_MOST_NAMED:] else "")


def _is_job_of(pid: int, home: Home) -> bool:
    mine = environment.variable(pid, "QUEUECTL_HOME") == home.path
    return mine and pid != os.getpid() and identity.started(pid) != identity.NOTHING
