"""A cgroup with little memory, of whichever version this machine has."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import until

HOG = "tail /dev/zero"  # a line without an end, to be kept whole
_V2_MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
_V1_MOUNT = "/sys/fs/cgroup/memory"


class MemoryCgroup:
    """The folder of a cgroup; `events` is the file that counts the kernel's kills in it."""

    def __init__(self, path: Path, events: str) -> None:
        self.path, self.events = path, path / events

    @property
    def entering(self) -> str:
        """A shell line by which a command enters it; what it allocates is bounded in any case."""
        return f"ulimit -v 1000000; echo $$ > {shlex.quote(str(self.path / 'cgroup.procs'))}"

    def add(self, pid: int) -> None:
        (self.path / "cgroup.procs").write_text(str(pid))


@contextmanager
def memory_cgroup(limit: int) -> Iterator[MemoryCgroup]:
    """A new cgroup whose processes get `limit` bytes; skips where none can be made."""
    name = f"queuectl-test-{os.getpid()}-{limit}"
    made = _make_v2(name, limit) or _make_v1(name, limit)
    if made is None:
        pytest.skip("needs a memory cgroup")
    try:
        yield made
    finally:
        until(lambda: _remove(made.path), "the cgroup empty")


def _make_v2(name: str, limit: int) -> MemoryCgroup | None:
    for mount in map(Path, _V2_MOUNTS):
        with contextlib.suppress(OSError):
            if "memory" not in (mount / "cgroup.controllers").read_text().split():
                continue
            (mount / "cgroup.subtree_control").write_text("+memory")
            (mount / name).mkdir()
            try:
                (mount / name / "memory.max").write_text(str(limit))
            except OSError:
                (mount / name).rmdir()
                continue
            with contextlib.suppress(OSError):  # there may be no accounting of swap
                (mount / name / "memory.swap.max").write_text("0")
            return MemoryCgroup(mount / name, "memory.events")
    return None


def _make_v1(name: str, limit: int) -> MemoryCgroup | None:
    path = Path(_V1_MOUNT, name)
    with contextlib.suppress(OSError):
        path.mkdir()
        (path / "memory.limit_in_bytes").write_text(str(limit))
        with contextlib.suppress(OSError):
            (path / "memory.memsw.limit_in_bytes").write_text(str(limit))
        return MemoryCgroup(path, "memory.oom_control")
    return None


def _remove(path: Path) -> bool:
    try:
        path.rmdir()
    except OSError:
        return False
    return True
