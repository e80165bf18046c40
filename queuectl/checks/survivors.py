"""Finds and ends the processes of a home, whatever they are."""

from __future__ import annotations

import contextlib
import shlex
import time

import psutil

_GRACE = 3.0  # seconds for what was stopped to be gone
_LOOK_EVERY = 0.02


def end(home: str) -> list[str]:
    """Kill what still lives of `home` after a grace; the command lines of what was killed."""
    deadline = time.monotonic() + _GRACE
    while _alive(home) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY)
    return kill(home)


def kill(home: str) -> list[str]:
    """Kill all that lives of `home`; the command lines of what was killed."""
    killed = []
    while left := _alive(home):  # one may fork while it is looked for
        for process in left:
            with contextlib.suppress(psutil.Error):
                killed.append(f"{process.pid} {shlex.join(filter(None, process.cmdline()))}")
                process.kill()
        psutil.wait_procs(left, timeout=_GRACE)
    return killed


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is more than a zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _alive(home: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_of(process, home)]


def _is_of(process: psutil.Process, home: str) -> bool:
    # The queue's own processes and its jobs all carry the home in their environment.
    try:
        mine = process.environ().get("QUEUECTL_HOME") == home
        return mine and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
