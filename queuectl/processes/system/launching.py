"""Starts our own processes as fresh interpreters, clean of what belongs to jobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from queuectl.executors.local import JOB_VARIABLES


def argv(process: str, *arguments: str) -> list[str]:
    """The command line of one of our processes, by the name of its module."""
    # -P: the working directory may belong to anybody, and must not provide our modules.
    return [sys.executable, "-P", "-m", f"queuectl.processes.{process}", *arguments]


def environment(home: str, store: str) -> dict[str, str]:
    """The environment of our processes: where they belong, and nothing of a job.

    A job's marker would make them pass for a process of its run. The store's address goes this
    way and not as an argument, since it may hold a password that `ps` would show.
    """
    clean = {key: value for key, value in os.environ.items() if key not in JOB_VARIABLES}
    return {**clean, "QUEUECTL_HOME": home, "QUEUECTL_STORE": store}


def spawn(process: str, arguments: Sequence[str], home: str, store: str, stdin: int) -> int:
    """Start one of our processes with `stdin` as its descriptor 0; its pid."""
    return os.posix_spawn(
        sys.executable,
        argv(process, *arguments),
        environment(home, store),
        file_actions=[(os.POSIX_SPAWN_DUP2, stdin, 0)],
        setsigmask=[],
    )
