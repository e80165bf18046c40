"""Runs a job as a process on this host: a shell line through /bin/sh if need be, args directly."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple, Protocol

from queuectl.domain.errors import QueuectlError
from queuectl.executors.simple import (
    as_a_shell_leaves_it,
    shell_is_transparent,
    words_of,
    working_directory,
)

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
    """A program by path, its arguments with the name it is called by first, its environment.

    `otherwise` is to be launched where this cannot be: a shell, which says what is wrong.
    """

    program: str
    argv: list[str]
    env: dict[str, str]
    otherwise: Callable[[], Launch] | None = None


class CannotLaunch(QueuectlError):
    """The program does not exist or may not be executed; `code` is what a shell would exit with."""

    def __init__(self, program: str, code: int, reason: str) -> None:
        self.program, self.code = program, code
        super().__init__(f"{program}: {reason}")


class Local:
    """Builds launches upon `base`, the environment that all of them share."""

    def __init__(self, base: Mapping[str, str]) -> None:
        self._base = dict(base)
        self._passed_on = as_a_shell_leaves_it(self._base)

    def build(self, order: Order, marker: str) -> Launch:
        """What to launch for `order`; relative programs are looked up from the working directory.

        Raises `CannotLaunch`.
        """
        about = {
            "QUEUECTL_JOB_ID": order.id,
            "QUEUECTL_ATTEMPT": str(order.attempt),
            "QUEUECTL_LEASE": str(order.lease),
            "QUEUECTL_QUEUE": order.queue,
            "QUEUECTL_RUN": marker,
        }
        if order.command is None:
            env = self._env(self._base, order.env, about)
            argv = list(order.args or ())
            return Launch(find_program(argv[0], env.get("PATH", os.defpath)), argv, env)
        words = words_of(order.command) if shell_is_transparent(SHELL) else None
        in_a_shell = partial(self._in_a_shell, order.command, order.env, about)
        direct = words and self._direct(words, order.env, about, in_a_shell)
        return direct or in_a_shell()

    @staticmethod
    def _env(
        base: dict[str, str], own: dict[str, str] | None, about: dict[str, str]
    ) -> dict[str, str]:
        return {**base, **own, **about} if own else {**base, **about}

    def _in_a_shell(self, line: str, own: dict[str, str] | None, about: dict[str, str]) -> Launch:
        return Launch(SHELL, ["sh", "-c", line], self._env(self._base, own, about))

    def _direct(
        self,
        words: Sequence[str],
        own: dict[str, str] | None,
        about: dict[str, str],
        otherwise: Callable[[], Launch],
    ) -> Launch | None:
        env = self._env(self._passed_on, own and as_a_shell_leaves_it(own), about)
        if "PATH" not in env:  # the shell has one of its own
            return None
        try:
            env["PWD"] = working_directory(env.get("PWD"))
            return Launch(find_program(words[0], env["PATH"]), list(words), env, otherwise)
        except (CannotLaunch, OSError):
            return None


def find_program(name: str, path: str) -> str:
    """The file that `execvp` would take for `name`; raises `CannotLaunch`."""
    candidates = _candidates(name, path)
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    if any(map(os.path.isfile, candidates)) or os.path.isdir(candidates[0]):
        raise CannotLaunch(name, NOT_EXECUTABLE, "permission denied")
    raise CannotLaunch(name, NOT_FOUND, "command not found")


@lru_cache(maxsize=256)
def _candidates(name: str, path: str) -> tuple[str, ...]:
    if "/" in name:
        return (name,)
    return tuple(f"{folder or '.'}/{name}" for folder in path.split(os.pathsep))
