"""Finds and ends processes of a run: by its process group, and by the marker in environments."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator

from queuectl.processes.system import identity

MARKER = "QUEUECTL_RUN"
_KERNEL_THREAD = 0x00200000  # PF_KTHREAD of linux/sched.h
_LOOKS, _PAUSE = 10, 0.002
_LISTS = 20  # enough for a machine that starts processes all the time


def marker(uuid: str, row: int, lease: int) -> str:
    """The value by which every process of a run can be known."""
    return f"{uuid}:{row}:{lease}"


def marker_of(pid: int) -> str | None:
    """The marker in the environment that a process was started with, if any.

    None where it is gone or another user's; `OSError` where one cannot look.
    """
    data = _environment(pid)
    wanted = MARKER.encode() + b"="
    start = 0 if data.startswith(wanted) else data.find(b"\0" + wanted) + 1
    if not data.startswith(wanted, start):
        return None
    return data[start + len(wanted) :].partition(b"\0")[0].decode(errors="replace")


def _environment(pid: int) -> bytes:
    data = _read(pid, "environ")
    looks = 0
    while not data and looks < _LOOKS:
        settled = not _is_amid_exec(pid)
        data = _read(pid, "environ")  # again: it may have been loaded between the two looks
        if settled:
            break
        looks += 1
        time.sleep(_PAUSE)
    return data


def _is_amid_exec(pid: int) -> bool:
    # For an instant a program that is being loaded has neither arguments nor environment, and
    # has closed its descriptors already: it would be found neither here nor by a lock.
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    if len(fields) < 7 or fields[0] in (b"Z", b"X") or int(fields[6]) & _KERNEL_THREAD:
        return False
    return not _read(pid, "cmdline")


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # gone, or another user's
        return b""


def is_ours(pid: int) -> bool:
    """Whether `pid` is a process of a queue, which belongs to no run even if a run started it.

    Raises `OSError` where one cannot look.
    """
    line = _read(pid, "cmdline")
    return line.startswith(b"queuectl: ") or b"\0queuectl.processes." in line


def children(pid: int) -> list[tuple[int, int]]:
    """Processes of a queue that this one has started itself, as (pid, start time).

    None where one cannot look.
    """
    with contextlib.suppress(OSError):
        found = map(int, _read(pid, f"task/{pid}/children").split())
        return [(child, identity.started(child)) for child in found if is_ours(child)]
    return []


def marked() -> Iterator[tuple[int, str]]:
    """Every process that carries a marker, as (pid, marker).

    Those that come while it looks are looked at, too: else one that forks and ends before its
    turn would leave a child that no list has. Raises `OSError` where one cannot look.
    """
    seen: set[int] = set()
    for _ in range(_LISTS):
        fresh = set(_pids()) - seen
        for pid in fresh:
            found = marker_of(pid)
            if found is not None:
                yield pid, found
        if not fresh:
            return
        seen |= fresh


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except FileNotFoundError:
        import psutil

        return list(psutil.pids())


def kill(markers: Iterable[str], groups: Iterable[tuple[int, int]] = ()) -> int:
    """Send KILL to all processes of these runs; how many were found alive.

    `groups` are the commands' own (pid, start time). Call again until it answers 0: a process
    can fork while it is looked for. Where one cannot look, one counts as found.
    """
    found = 0
    try:
        for pid, start in groups:
            if identity.is_alive(pid, start):
                found += 1
                _signal_group(pid)
        wanted = set(markers)
        for pid, value in marked():
            if value in wanted and identity.started(pid):
                found += 1
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
    except OSError:  # no descriptor is left, or no memory: what was not seen may live
        found += 1
    return found


def _signal_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
