"""The living processes of a home, by role."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from queuectl.checks.chaos.faults import Role

_OURS = "queuectl: ", "queuectl.processes."
_MARKER = "QUEUECTL_RUN"


def find(home: str, role: Role) -> list[psutil.Process]:
    """Who plays `role` in the home, oldest pid first; commands include what they started."""
    return [process for process, found in _all(home) if role in (found, Role.ALL)]


def describe(home: str) -> list[str]:
    """What lives of the home, as `role pid`."""
    return [f"{role or 'process'} {process.pid}" for process, role in _all(home)]


def _all(home: str) -> Iterator[tuple[psutil.Process, Role | None]]:
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            if variables.get("QUEUECTL_HOME") == home and process.status() != psutil.STATUS_ZOMBIE:
                yield process, _role(" ".join(process.cmdline()), variables)
        except psutil.Error:
            continue


def _role(line: str, variables: dict[str, str]) -> Role | None:
    for role in Role:
        if any(line.startswith(f"{mine}{role}") or f" {mine}{role}" in line for mine in _OURS):
            return role
    return Role.COMMAND if _MARKER in variables else None
