"""Facts about the machine that the numbers come from."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import apsw

import queuectl

_QUIET = 0.25  # load for each core
_WRITES = 200
_BLOCK = b"x" * 4096
_ROOT = Path(__file__).parents[1]


def facts(folder: Path) -> dict[str, str]:
    """What the numbers depend on, by name; `folder` is where the stores are."""
    return {
        "queuectl": f"{queuectl.__version__}{_commit()}",
        "cores": f"{len(os.sched_getaffinity(0))} ({_processor()})",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "SQLite": f"{apsw.sqlite_lib_version()} (apsw {apsw.apsw_version()})",
        "/bin/sh": Path("/bin/sh").resolve().name,
        "filesystem": _file_system(folder),
        "fdatasync p50": f"{_sync_time(folder) * 1e3:.2f} ms",
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def others_at_work() -> str | None:
    """A warning where this machine has more to do than to measure."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if load < _QUIET * cores:
        return None
    return f"**the machine was busy with other things**: load {load:.2f} on {cores} cores before"


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    asked = [git, "-C", str(_ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return f" ({done.stdout.strip()})" if done.returncode == 0 else ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """Type and mount point of the file system that holds a folder."""
    best, kind = Path("/"), "unknown"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, name, *_ = line.split()
        if folder.is_relative_to(point) and Path(point).is_relative_to(best):
            best, kind = Path(point), name
    return f"{kind} on {best}"


def _sync_time(folder: Path) -> float:
    """Median seconds of fdatasync after 4 KiB were appended to a file."""
    path, times = folder / "synced", []
    with path.open("wb", buffering=0) as file:
        for _ in range(_WRITES):
            file.write(_BLOCK)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(times)
