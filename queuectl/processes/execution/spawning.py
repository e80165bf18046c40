"""Starts a command: a session of its own, output on two pipes, nothing of ours inherited."""

from __future__ import annotations

import os
import signal
from functools import cache
from typing import NamedTuple

from queuectl.executors.local import NOT_EXECUTABLE, NOT_FOUND, CannotLaunch, Launch
from queuectl.processes.system import identity
from queuectl.processes.system.shortage import is_shortage


class Spawned(NamedTuple):
    """A running command, leader of its session and group, and our ends of its pipes.

    It was started between two ticks.
    """

    pid: int
    ticks: tuple[int, int]
    stdout: int
    stderr: int


def spawn(launch: Launch) -> Spawned:
    """Start `launch`, or what is to be started otherwise, in the current working directory.

    Raises `CannotLaunch` for a program that cannot be run, `OSError` where the system has no
    room for another process or descriptor.
    """
    try:
        return _spawn(launch)
    except CannotLaunch:
        if launch.otherwise is None:
            raise
        return _spawn(launch.otherwise())


def _spawn(launch: Launch) -> Spawned:
    descriptors: list[int] = []
    try:
        out, out_end = _pipe(descriptors)
        err, err_end = _pipe(descriptors)
        before = identity.tick()
        pid = os.posix_spawn(
            launch.program,
            launch.argv,
            launch.env,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, _nothing_to_read(), 0),
                (os.POSIX_SPAWN_DUP2, out_end, 1),
                (os.POSIX_SPAWN_DUP2, err_end, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=_ignored_here(),
        )
    except OSError as error:
        _close(descriptors)
        raise _explain(launch, error) from None
    after = identity.tick()
    os.close(out_end)
    os.close(err_end)
    return Spawned(pid, (before, after), out, err)


@cache
def _nothing_to_read() -> int:
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


@cache
def _ignored_here() -> list[int]:
    # To be ignored survives exec: what Python, the worker and their parents ignore would stay so.
    return [one for one in signal.valid_signals() if signal.getsignal(one) is signal.SIG_IGN]


def _pipe(made: list[int]) -> tuple[int, int]:
    ours, theirs = os.pipe()
    made += (ours, theirs)
    os.set_blocking(ours, False)
    return ours, theirs


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _explain(launch: Launch, error: OSError) -> Exception:
    name = launch.argv[0]
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return CannotLaunch(name, NOT_FOUND, "not found")
    if is_shortage(error):
        return error
    return CannotLaunch(name, NOT_EXECUTABLE, error.strerror or str(error))
