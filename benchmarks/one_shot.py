"""One job enqueued by one process, against a Python that does nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.comparison import Contender, Finding, Metric, Readings, Target, WorkNotDone, compare
from benchmarks.running import timed
from benchmarks.workbench import Workbench, queuectl
from queuectl import JobQueue
from queuectl.domain.lifecycle import State

NOTHING = Contender("python -c pass", lambda: _milliseconds([sys.executable, "-c", "pass"]))


def run(bench: Workbench) -> list[Finding]:
    """Nobody else has the store open; then somebody has, as where workers run."""
    with bench.new_home() as home:
        JobQueue(str(home)).close()
        alone = _compare(bench, home, "one-shot enqueue, store opened by it alone")
        with JobQueue(str(home)) as queue:
            shared = _compare(bench, home, "one-shot enqueue, store open elsewhere too")
            added, wanted = queue.stats().jobs[State.PENDING], 2 * (_rounds(bench) + 1)
            if added != wanted:
                raise WorkNotDone(f"{added} jobs instead of {wanted} were enqueued")
    return alone + shared


def _compare(bench: Workbench, home: Path, title: str) -> list[Finding]:
    target = Target(3.0, at_least=False, against=NOTHING.name)
    argv = queuectl(home, "enqueue", "--", "true")
    metrics = [Metric(title, "ms", (target,)), Metric("the same, processor time only", "ms")]
    subject = Contender("queuectl enqueue", lambda: _milliseconds(argv))
    return compare(metrics, subject, [NOTHING], rounds=_rounds(bench))


def _rounds(bench: Workbench) -> int:
    return bench.scale.repeat * bench.scale.processes


def _milliseconds(argv: list[str]) -> Readings:
    elapsed = timed(argv)
    return elapsed.wall * 1e3, elapsed.processor * 1e3
