"""A long life under steady traffic: what grows, and what stays as it was after some minutes."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.comparison import Finding, Metric, Series, Target, WorkNotDone
from benchmarks.installation import Installation
from benchmarks.running import timed
from benchmarks.workbench import Workbench, queuectl
from queuectl.commands.troubles import troubles
from queuectl.domain.lifecycle import State
from queuectl.stores.sqlite.wal import TOO_MANY

_SAMPLES = 60
_TENTH = _SAMPLES // 10
_BETWEEN_TURNS = 1.0  # seconds
_KEPT = 1000  # finished jobs; what is older is pruned while the soak goes on
_MIB = 2**20
_LONGEST_WAL = TOO_MANY * 4096 / _MIB  # from where on it is to begin anew

# What comes each second: quick, talkative, talkative beyond what the store holds, failing, late.
_TRAFFIC = (
    *[{"command": "true"}] * 12,
    *[{"command": "head -c 1024 /dev/zero | tr '\\0' x"}] * 4,
    {"command": "seq 40000"},
    {"command": "echo no; exit 3", "max_retries": 1, "backoff": "fixed:1s"},
    {"command": "sleep 0.3"},
    {"command": "true", "delay": 2},
)


class Sample(NamedTuple):
    """What an installation takes at one moment; sizes in MiB."""

    memory: float
    largest: float  # of its processes
    descriptors: int
    wal: float
    store: float
    rest: float  # logs, output in files, locks
    files: int


_FLAT = (Target(1.1, at_least=False, against="early"),)
_METRICS = (
    Metric("memory of all processes", "MiB", _FLAT),
    Metric("memory of the largest process", "MiB", _FLAT),
    Metric("open descriptors", "", _FLAT),
    # Its file is as long as it ever was; that depends on who happened to read.
    Metric("write-ahead log", "MiB", (Target(2 * _LONGEST_WAL, at_least=False),)),
    Metric("store", "MiB", _FLAT),
    Metric("all other files of the home", "MiB", _FLAT),
    Metric("files of the home", "", _FLAT),
)


def run(bench: Workbench) -> list[Finding]:
    """The last tenth of the time against the third, when pruning has long begun."""
    with bench.new_installation() as installation:
        installation.queue.set("keep_jobs", str(_KEPT))
        installation.start(2, 2)
        installation.settle(bench.scale.settling)
        pids = _pids(installation)
        samples, added = _live(bench, installation)
        _await_end(installation)
        if _pids(installation) != pids:
            raise WorkNotDone("a process was replaced")
        if trouble := troubles(installation.queue):
            raise WorkNotDone("; ".join(trouble))
    bench.notes.append(
        f"soak: {added:,} jobs in {bench.scale.soak:,.0f} s; early is the third tenth of that time"
    )
    early, late = samples[2 * _TENTH : 3 * _TENTH], samples[-_TENTH:]
    return [
        Finding(
            metric._replace(title=f"soak, {metric.title}"),
            Series("late", tuple(late_values)),
            (Series("early", tuple(early_values)),),
        )
        for metric, early_values, late_values in zip(
            _METRICS, zip(*early, strict=True), zip(*late, strict=True), strict=True
        )
    ]


def _live(bench: Workbench, installation: Installation) -> tuple[list[Sample], int]:
    """Keep the traffic up for the whole time; the samples, and how many jobs came."""
    began, added, turns = time.monotonic(), 0, 0
    samples: list[Sample] = []
    status = queuectl(installation.home, "status")
    while len(samples) < _SAMPLES:
        added += len(installation.add(_TRAFFIC))
        turns += 1
        elapsed = time.monotonic() - began
        while len(samples) < min(_SAMPLES, elapsed / bench.scale.soak * _SAMPLES):
            timed(status)  # somebody else, who opens the store and leaves again
            samples.append(_sample(installation))
            if len(samples) % _TENTH == 0:
                bench.say(f"soak: {added:,} jobs, {samples[-1]}")
        wait = began + turns * _BETWEEN_TURNS - time.monotonic()
        time.sleep(max(0.0, min(wait, bench.scale.soak / _SAMPLES)))
    return samples, added


def _await_end(installation: Installation) -> None:
    deadline = time.monotonic() + 60
    while any(
        installation.count(state)
        for state in (State.PENDING, State.PROCESSING, State.SCHEDULED, State.FAILED)
    ):
        if time.monotonic() > deadline:
            raise WorkNotDone("the jobs of the soak did not end")
        time.sleep(0.1)


def _pids(installation: Installation) -> set[int]:
    """Supervisor, scheduler, nursery and workers: what lives as long as the installation."""
    return {each.pid for each in installation.processes() if _title(each).startswith("queuectl:")}


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error, IndexError):
        return process.cmdline()[0]
    return ""


def _sample(installation: Installation) -> Sample:
    sizes, descriptors = [], 0
    for pid in _pids(installation):
        process = psutil.Process(pid)
        sizes.append(process.memory_full_info().pss / _MIB)
        descriptors += process.num_fds()
    files = {path: _size(path) for path in installation.home.rglob("*") if path.is_file()}
    store = installation.home / "queue.db"
    wal = installation.home / "queue.db-wal"
    return Sample(
        memory=sum(sizes),
        largest=max(sizes),
        descriptors=descriptors,
        wal=files.get(wal, 0) / _MIB,
        store=files.get(store, 0) / _MIB,
        rest=sum(size for path, size in files.items() if path not in (store, wal)) / _MIB,
        files=len(files),
    )


def _size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return os.path.getsize(path)
    return 0
