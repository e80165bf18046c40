"""Named places where a test lets a process end on the spot, as if by kill -9.

The idea is FreeBSD's fail(9), which etcd and TiKV took over. Without `QUEUECTL_FAILPOINT` in the
environment a place costs one call of an empty function.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

# Writes of the store; each has the three places of `_AROUND_A_WRITE`.
WRITES: Final = (
    "migrate",
    "enqueue",
    "cancel",
    "retry",
    "remove",
    "prune",
    "promote",
    "turn",
    "enter",
    "beat",
    "fence",
    "leave",
    "want workers",
    "set worker",
    "wish workers",
    "wish supervisor",
    "set",
    "recount",
    "renew",
    "forget processes",
)
_AROUND_A_WRITE = ("begun", "written", "kept")  # before its statements, its commit, its answer
_PLACES = (
    "child spawned",
    "birth asked",
    "report heard",
    "work told",
    "leftovers killed",
    "worker removed",
    "worker to be forked",
    "worker forked",
    "end of worker told",
    "worker locked",
    "run to begin",
    "run spawned",
    "Born told",
    "Leaving told",
    "run exited",
    "run reaped",
    "run finished",
    "Report told",
    "report known",
    "output spilled",
    "output put together",
    "caretaker called",
    "caretaker begun",
    "caretaker recorded",
    "files removed",
)
POINTS: Final = (*(f"{write}: {when}" for write in WRITES for when in _AROUND_A_WRITE), *_PLACES)
EXIT_CODE: Final = 9

_wish = os.environ.get("QUEUECTL_FAILPOINT")
# Made when the place is reached, so that this happens to one process, once.
_trace = os.environ.get("QUEUECTL_FAILPOINT_TRACE", "")


def _end_at(point: str) -> None:
    if point != _wish:
        return
    try:
        os.close(os.open(_trace, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os._exit(EXIT_CODE)


def _go_on(point: str) -> None:
    pass


reach: Callable[[str], None] = _go_on if _wish is None else _end_at
