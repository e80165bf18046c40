"""JSON Lines from a pipe into the store, against reading them and writing them to a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.comparison import Contender, Finding, Metric, Target, WorkNotDone, compare
from benchmarks.running import timed
from benchmarks.workbench import Workbench, queuectl
from queuectl import JobQueue
from queuectl.domain.lifecycle import State

# The least that a program in Python has to do before it may say that the lines are safe.
_READ_AND_KEEP = """
import json, os, sys
lines = sys.stdin.buffer.read().splitlines(keepends=True)
for line in lines:
    json.loads(line)
with open(sys.argv[1], "wb") as file:
    file.writelines(lines)
    file.flush()
    os.fsync(file.fileno())
"""


def run(bench: Workbench) -> list[Finding]:
    """Jobs with generated ids, then with ids of their own."""
    numbers = range(bench.scale.lines)
    plain = ({"command": f"convert {number}.png", "priority": number % 7} for number in numbers)
    named = ({"id": f"photo-{number}", "command": f"convert {number}.png"} for number in numbers)
    target = Target(100_000, at_least=True)
    return [
        *_compare(bench, plain, Metric("bulk enqueue -", "jobs/s", (target,))),
        *_compare(bench, named, Metric("bulk enqueue - with ids", "jobs/s")),
    ]


def _compare(bench: Workbench, wishes: Iterable[dict[str, Any]], metric: Metric) -> list[Finding]:
    lines = bench.folder / "jobs.jsonl"
    with lines.open("w") as file:
        file.writelines(json.dumps(wish) + "\n" for wish in wishes)
    subject = Contender("queuectl enqueue -", lambda: (_enqueue(bench, lines),))
    reference = Contender("python: json.loads, write, fsync", lambda: (_keep(bench, lines),))
    return compare([metric], subject, [reference], rounds=bench.scale.repeat, say=bench.say)


def _enqueue(bench: Workbench, lines: Path) -> float:
    with bench.new_home() as home:
        seconds = timed(queuectl(home, "enqueue", "-"), lines).wall
        with JobQueue(str(home)) as queue:
            added = queue.stats().jobs[State.PENDING]
    if added != bench.scale.lines:
        raise WorkNotDone(f"{added} of {bench.scale.lines} jobs were enqueued")
    return bench.scale.lines / seconds


def _keep(bench: Workbench, lines: Path) -> float:
    kept = bench.folder / "kept.jsonl"
    seconds = timed([sys.executable, "-c", _READ_AND_KEEP, str(kept)], lines).wall
    if kept.stat().st_size != lines.stat().st_size:
        raise WorkNotDone("not all lines were kept")
    kept.unlink()
    return bench.scale.lines / seconds
