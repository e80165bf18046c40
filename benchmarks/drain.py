"""Drains of trivial commands, every job durable, against programs that keep nothing."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.comparison import Contender, Finding, Metric, Target, compare
from benchmarks.installation import Installation
from benchmarks.references import drains
from benchmarks.workbench import Workbench
from queuectl.domain.lifecycle import State
from queuectl.domain.timing import SECOND

_START_UP = 10  # the first one of so many parts of a drain is not counted


class Shape(NamedTuple):
    """How many workers drain, and how many commands each runs at once."""

    workers: int
    slots: int

    @property
    def width(self) -> int:
        """Commands at once in all."""
        return self.workers * self.slots


TWO = Shape(2, 1)
EIGHT = Shape(2, 4)


def run_two(bench: Workbench) -> list[Finding]:
    """Concurrency 2: two workers of one slot."""
    return run_beside_others(bench, TWO, bound=1.0)


def run_eight(bench: Workbench) -> list[Finding]:
    """Concurrency 8: two workers of four slots."""
    return run_beside_others(bench, EIGHT, bound=1.0)


def run_beside_others(bench: Workbench, shape: Shape, *, bound: float | None) -> list[Finding]:
    """A drain of that shape beside programs that keep nothing, with a bound against `xargs`."""
    xargs, *others = drains(bench, shape.width)
    targets = () if bound is None else (Target(bound, at_least=True, against=xargs.name),)
    metric = Metric(f"drain, concurrency {shape.width}", "jobs/s", targets)
    subject = Contender("queuectl", lambda: (_drain_new_store(bench, shape),))
    return compare([metric], subject, [xargs, *others], rounds=bench.scale.repeat, say=bench.say)


def _drain_new_store(bench: Workbench, shape: Shape) -> float:
    with bench.new_installation() as installation:
        return drain(installation, bench.scale.drained, shape)


def drain(installation: Installation, jobs: int, shape: Shape) -> float:
    """Enqueue that many jobs before all others, let workers run them, end the workers.

    The rate is that of the steady state, in jobs a second.
    """
    total = installation.count(State.COMPLETED) + jobs
    ids = installation.add([{"command": "true", "priority": 1}] * jobs)
    installation.start(shape.workers, shape.slots)
    done = installation.await_completed(ids, total)
    installation.stop()
    return steady_rate([job.finished_at or 0 for job in done])


def steady_rate(ends: list[int]) -> float:
    """Jobs a second from the end of the first tenth to the last end, given in microseconds.

    By the instants in the store, so that nobody has to look while it is measured. All that is
    recorded in one transaction has one instant.
    """
    begin, last = sorted(ends)[len(ends) // _START_UP], max(ends)
    return sum(end > begin for end in ends) * SECOND / (last - begin)
