"""Runs a job as a process on this host: a shell line through /bin/sh, args directly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from queuectl.domain.errors import QueuectlError

SHELL = "/bin/sh"
NOT_FOUND = 127
NOT_EXECUTABLE = 126
# What a job's environment says about the job; a process of the queue never has them itself.
JOB_VARIABLES = (
    "QUEUECTL_JOB_ID",
    "QUEUECTL_ATTEMPT",
    "QUEUECTL_LEASE",
    "QUEUECTL_QUEUE",
    "QUEUECTL_RUN",
)


class Order(Protocol):
    """What an executor needs to know of an assignment."""

    @property
    def id(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def lease(self) -> int: ...
    @property
    def queue(self) -> str: ...
    @property
    def command(self) -> str | None: ...
    @property
    def args(self) -> tuple[str, ...] | None: ...
    @property
    def env(self) -> dict[str, str] | None: ...


class Launch(NamedTuple):
    """A program by path, its arguments with the name it is called by first, its environment."""

    program: str
    argv: list[str]
    env: dict[str, str]


class CannotLaunch(QueuectlError):
    """The program does not exist or may not be executed; `code` is what a shell would exit with."""

    def __init__(self, program: str, code: int, reason: str) -> None:
        self.program, self.code = program, code
        super().__init__(f"{program}: {reason}")


def build(order: Order, base: Mapping[str, str], marker: str) -> Launch:
    """What to launch for `order`; relative programs are looked up from the working directory.

    Raises `CannotLaunch`.
    """
    env = {
        **base,
        **(order.env or {}),
        "QUEUECTL_JOB_ID": order.id,
        "QUEUECTL_ATTEMPT": str(order.attempt),
        "QUEUECTL_LEASE": str(order.lease),
        "QUEUECTL_QUEUE": order.queue,
        "QUEUECTL_RUN": marker,
    }
    if order.command is not None:
        return Launch(SHELL, ["sh", "-c", order.command], env)
    argv = list(order.args or ())
    return Launch(find_program(argv[0], env.get("PATH", os.defpath)), argv, env)


def find_program(name: str, path: str) -> str:
    """The file that `execvp` would take for `name`; raises `CannotLaunch`."""
    if "/" in name:
        candidates = [name]
    else:
        candidates = [os.path.join(folder or ".", name) for folder in path.split(os.pathsep)]
    found = [candidate for candidate in candidates if os.path.isfile(candidate)]
    for candidate in found:
        if os.access(candidate, os.X_OK):
            return candidate
    if found or os.path.isdir(candidates[0]):
        raise CannotLaunch(name, NOT_EXECUTABLE, "permission denied")
    raise CannotLaunch(name, NOT_FOUND, "command not found")
