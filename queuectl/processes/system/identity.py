"""Tells processes apart for good: a pid is used again, a pid with its start time is not."""

from __future__ import annotations

import os
import time

NOTHING = 0
_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_BOOT_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)
_GONE = (b"Z", b"X")


def host() -> str:
    """The name of this host, as it stands in the store."""
    return os.uname().nodename


def boot() -> str:
    """A text that differs after each start of the machine, and for each world of pids on it.

    `OSError` where one cannot look.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    except FileNotFoundError:  # anything else must not make it look like another start
        import psutil

        return str(round(psutil.boot_time()))


def restarted(then: str, now: str) -> bool:
    """Whether the machine was started anew between two answers of `boot`.

    If not, and they differ, each sees only processes that the other does not.
    """
    return then.partition(" ")[0] != now.partition(" ")[0]


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal, as far as one can look.

    It goes on only when somebody says so.
    """
    try:
        return _look_up(pid)[0] in (b"T", b"t")
    except OSError:
        return False


def started(pid: int) -> int:
    """When process `pid` started, in a unit of this host's own; 0 if there is none.

    A zombie counts as gone. Raises `OSError` where one cannot look, which does not mean gone.
    """
    state, start = _look_up(pid)
    return NOTHING if state in _GONE else start


def started_child(pid: int) -> int:
    """As `started` for a child that was not reaped, which may have ended already."""
    return _look_up(pid)[1]


def tick() -> int:
    """Now in the unit in which Linux notes the start of a process; elsewhere always 0."""
    return 0 if _BOOT_CLOCK is None else time.clock_gettime_ns(_BOOT_CLOCK) // _TICK


class Starts:
    """When children started, by the clock where it can be told, else by a look at each.

    To look takes the kernel longer than all else that the start of a short command costs here.
    """

    def __init__(self) -> None:
        self._is_proven: bool | None = None

    def of(self, pid: int, before: int, after: int) -> int:
        """As `started_child`, for one that was started between these ticks."""
        if before == after and self._is_proven:
            return before
        start = started_child(pid)
        if self._is_proven is None:
            self._is_proven = before <= start <= after
        return start


def is_alive(pid: int | None, start: int | None) -> bool:
    """Whether the process that had this pid and start time still runs."""
    return bool(pid) and bool(start) and started(pid or 0) == start


def may_be_alive(pid: int | None, start: int | None) -> bool:
    """Like `is_alive`, and where nobody can look, for want of a descriptor, it may be."""
    try:
        return is_alive(pid, start)
    except OSError:
        return True


def _look_up(pid: int) -> tuple[bytes, int]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return fields[0], int(fields[19])
    except (FileNotFoundError, ProcessLookupError):
        return (b"", NOTHING) if os.path.exists("/proc/self/stat") else _ask(pid)


def _ask(pid: int) -> tuple[bytes, int]:
    import psutil

    try:
        process = psutil.Process(pid)
        state = b"Z" if process.status() == psutil.STATUS_ZOMBIE else b"R"
        return state, round(process.create_time())
    except psutil.Error:
        return b"", NOTHING
