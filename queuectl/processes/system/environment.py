"""The environment that a process was started with, as the system shows it."""

from __future__ import annotations

import os


def variable(pid: int, name: str) -> str | None:
    """The value of a variable of process `pid`; None without it, or where one may not look."""
    wanted = os.fsencode(name) + b"="
    for entry in _environment(pid).split(b"\0"):
        if entry.startswith(wanted):
            return os.fsdecode(entry[len(wanted) :])
    return None


def _environment(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
