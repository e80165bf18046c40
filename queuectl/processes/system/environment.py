"""The environment that a process was started with, as the system shows it."""

from __future__ import annotations

import os

from queuectl.stores import file_of


def variable(pid: int, name: str) -> str | None:
    """The value of a variable of process `pid`; None without it, or where one may not look."""
    wanted = os.fsencode(name) + b"="
    for entry in _environment(pid).split(b"\0"):
        if entry.startswith(wanted):
            return os.fsdecode(entry[len(wanted) :])
    return None


def serves(pid: int, store: str) -> bool:
    """Whether a process of ours works on the store at this URL; False where one may not look."""
    try:
        told = variable(pid, "QUEUECTL_STORE")
        if told is None or told == store:
            return told is not None
        mine, theirs = file_of(store), file_of(told)
        return mine is not None and theirs is not None and os.path.samefile(mine, theirs)
    except OSError:
        return False


def _environment(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
