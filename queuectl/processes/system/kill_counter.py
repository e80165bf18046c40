"""Counters of processes that the out-of-memory killer has ended: a cgroup's, and the system's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

SYSTEM = "/proc/vmstat"
_COUNT = re.compile(rb"^oom_kill (\d+)$", re.MULTILINE)
_OCTAL = re.compile(r"\\([0-7]{3})")


class KillCounter:
    """The line `oom_kill N` of a file; `read` gives None where there is none."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> int | None:
        """The number of kills so far."""
        try:
            with open(self.path, "rb", buffering=0) as file:
                found = _COUNT.search(file.read())
        except OSError:
            return None
        return None if found is None else int(found[1])


def of_system() -> KillCounter:
    """The counter of all processes of the machine."""
    return KillCounter(SYSTEM)


def nearest() -> KillCounter:
    """The counter of this process's own cgroup; the system's where it has none."""
    counters = map(
        KillCounter, _candidates(_read("/proc/self/cgroup"), _read("/proc/self/mountinfo"))
    )
    return next((one for one in counters if one.read() is not None), of_system())


def _candidates(cgroups: str, mounts: str) -> Iterator[str]:
    """Where the files of our cgroups should be, given what /proc says of cgroups and mounts."""
    paths = dict(_memory_cgroups(cgroups))
    for line in mounts.splitlines():
        place, _, source = line.partition(" - ")
        fields, (kind, *options) = place.split(), source.split()
        is_v1 = kind == "cgroup" and "memory" in options[-1].split(",")
        if kind in paths and (kind == "cgroup2" or is_v1):
            root, mount = map(_unescaped, fields[3:5])
            # In a container the mount may show a part of the tree, named from the top of it.
            inside = paths[kind].removeprefix(root.rstrip("/")).lstrip("/")
            name = "memory.events" if kind == "cgroup2" else "memory.oom_control"
            yield os.path.join(mount, inside, name)


def _memory_cgroups(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield "cgroup2", path
        elif "memory" in controllers.split(","):
            yield "cgroup", path


def _unescaped(path: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), path)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
