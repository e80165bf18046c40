"""Processes that should be gone: of runs that are over, and of the queue itself."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from queuectl.domain.text import visible
from queuectl.processes.examination.finding import BY_REPAIR, Finding, fine, problem, some
from queuectl.processes.examination.site import Site, lasting
from queuectl.processes.system import environment, identity, leftovers

_CHECK = "processes of jobs"
_OWN_CHECK = "processes of the queue"
_MOST_ROUNDS = 20
_PAUSE = 0.05
_SHOWN = 60  # characters of a command line
_YOUTH = 30.0  # seconds in which a process of the queue may make itself known


class Process(NamedTuple):
    """A process that cannot be taken for another: its pid, and when it started."""

    pid: int
    started: int

    @property
    def line(self) -> str:
        """The pid with its command line."""
        line = visible(shlex.join(filter(None, _words(self.pid))))
        return f"PID {self.pid} ({line[:_SHOWN]}{'…' if line[_SHOWN:] else ''})"


def examine(site: Site) -> Iterator[Finding]:
    """Processes of jobs whose run is over."""
    found = lasting(lambda: _orphans(site))
    here = [one for one in found if environment.variable(one.pid, "QUEUECTL_HOME") == site.path]
    away = [one for one in found if one not in here]
    if here:
        lines = some([one.line for one in here])
        if site.is_damaged:
            yield problem(_CHECK, f"{lines}: of runs that are over", "mend the store first")
        else:
            text = f"{lines}: of runs that are over"
            yield problem(_CHECK, text, BY_REPAIR, lambda: _end_all(site, here))
    if away:
        text = f"{some([one.line for one in away])}: of runs that are over, or of a copied store"
        yield problem(_CHECK, text, "see whose they are, and kill them by hand")
    if not found:
        yield fine(_CHECK, "all belong to a run that goes on")


def _orphans(site: Site) -> dict[Process, str]:
    """The processes that carry a marker of this store whose run is not one that goes on."""
    # In this order: a run is in the store before it has a process.
    marks = list(leftovers.marked())
    current = {
        leftovers.marker(site.store.uuid, one.row, one.lease) for one in site.store.holdings()
    }
    return {
        Process(pid, started): mark
        for pid, mark in marks
        if mark.startswith(site.store.uuid + ":") and mark not in current and pid != os.getpid()
        if (started := identity.started(pid)) != identity.NOTHING
    }


def _end_all(site: Site, suspects: list[Process]) -> str:
    """Kill the suspects and what they fork meanwhile; what was killed."""
    marks = {leftovers.marker_of(one.pid) for one in suspects}
    ended: list[str] = []
    for _ in range(_MOST_ROUNDS):
        left = [one for one, mark in _orphans(site).items() if mark in marks]
        if not left:
            break
        ended += [line for one in left if (line := _end(site, one))]
        time.sleep(_PAUSE)
    return f"killed {some(ended)}" if ended else "they have ended by themselves"


def _end(site: Site, process: Process) -> str | None:
    """Kill a process, if it is still the one that was looked at and its run is certainly over."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return None
    try:
        # From here on the descriptor stands for whatever process has this pid.
        mark, line = leftovers.marker_of(process.pid), process.line
        if identity.started(process.pid) != process.started or not _is_over(site, mark):
            return None
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        return line
    finally:
        os.close(descriptor)


def _is_over(site: Site, mark: str | None) -> bool:
    """Whether the run of a marker has ended; once it has, it never goes on again."""
    uuid, _, run = (mark or "").partition(":")
    row, _, lease = run.partition(":")
    if uuid != site.store.uuid or not row.isdecimal() or not lease.isdecimal():
        return False
    return all(one.end is not None for one in site.store.runs(int(row)) if one.lease == int(lease))


def examine_own(site: Site) -> Iterator[Finding]:
    """Processes of the queue that neither the store nor a living parent knows."""
    found = list(lasting(lambda: _strangers(site)))
    if not found:
        yield fine(_OWN_CHECK, "all are known")
        return
    idle = [one for one in found if _is_idle(one, site)]
    busy = [one for one in found if one not in idle]
    if idle:
        text = f"nothing knows {some([one.line for one in idle])}"
        yield problem(_OWN_CHECK, text, BY_REPAIR, lambda: _end_idle(site, idle))
    if busy:
        text = f"nothing knows {some([one.line for one in busy])}, which runs jobs or holds locks"
        yield problem(_OWN_CHECK, text, "queuectl worker stop --now, or kill it by hand")


def _strangers(site: Site) -> dict[Process, None]:
    known = _known(site)
    ours = {
        pid: title
        for pid in _pids()
        if leftovers.is_ours(pid) and (title := _title(pid)) != "caretaker"
        if environment.variable(pid, "QUEUECTL_HOME") == site.path
    }
    return {
        Process(pid, started): None
        for pid in ours
        if pid not in known and not _descends(pid, known)
        if (started := identity.started(pid)) != identity.NOTHING and _age(started) > _YOUTH
    }


def _age(started: int) -> float:
    """Seconds since a process started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def _known(site: Site) -> set[int]:
    """The pids of supervisors and workers that live by the word of the store."""
    living = {one.pid for one in site.store.supervisors() if one.ended_at is None}
    return living | {one.pid for one in site.store.workers() if one.pid is not None}


def _descends(pid: int, known: set[int]) -> bool:
    """Whether one of the known is a parent or grandparent of the process."""
    for _ in range(2):
        pid = _parent(pid)
        if pid in known:
            return True
    return False


def _end_idle(site: Site, suspects: list[Process]) -> str:
    """Kill those that still nobody knows and that hold nothing: nothing can be lost with them."""
    ended = []
    for one in _strangers(site):
        if one in suspects and _is_idle(one, site):
            line = one.line
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
            ended.append(line)
    deadline = time.monotonic() + _MOST_ROUNDS * _PAUSE
    while any(map(identity.is_alive, *zip(*suspects, strict=True))):
        if time.monotonic() > deadline:
            break
        time.sleep(_PAUSE)
    return f"killed {some(ended)}" if ended else "they have ended by themselves"


def _is_idle(process: Process, site: Site) -> bool:
    """Whether it has no child and holds no lock of the home, be it deleted."""
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children", "rb") as file:
            if file.read().strip():
                return False
        descriptors = os.listdir(f"/proc/{process.pid}/fd")
    except OSError:
        return False
    locked = (os.path.join(site.path, "run"), site.home.supervisor_lock)
    for descriptor in descriptors:
        with suppress(OSError):
            if os.readlink(f"/proc/{process.pid}/fd/{descriptor}").startswith(locked):
                return False
    return True


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _words(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")]
    except OSError:
        return []


def _title(pid: int) -> str:
    """Which of our processes it is; one that has just begun has no title yet."""
    words = _words(pid)
    named = [word.rpartition(".")[2] for word in words if word.startswith("queuectl.processes.")]
    return named[0] if named else "".join(words[:1]).removeprefix("queuectl: ").partition(" ")[0]


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0
