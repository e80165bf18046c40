"""Runs a command to its end and takes the time."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.comparison import WorkNotDone

NOWHERE = Path(os.devnull)


class Elapsed(NamedTuple):
    """Seconds on the wall, and of processor time, with that of children that were waited for."""

    wall: float
    processor: float


def timed(argv: list[str], stdin: Path = NOWHERE, stdout: Path = NOWHERE) -> Elapsed:
    """How long it is from just before a program, given by its path, starts until it was reaped.

    Raises `WorkNotDone` unless it exits 0. Where waiting is cut short the program is killed.
    """
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    began = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions, setpgroup=0)
    with _killed_unless_reaped(pid):
        _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    if status:
        code = os.waitstatus_to_exitcode(status)
        raise WorkNotDone(f"{shlex.join(argv)[:200]} ended with {code}")
    return Elapsed(wall, usage.ru_utime + usage.ru_stime)


@contextmanager
def _killed_unless_reaped(pid: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        raise


def forks() -> int:
    """How many processes and threads this machine has started since it was booted."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, _, count = line.partition(" ")
        if name == "processes":
            return int(count)
    raise WorkNotDone("/proc/stat does not count processes")
