"""A drain with a store full of jobs, against the same with an empty one."""

from __future__ import annotations

from benchmarks.comparison import Contender, Finding, Metric, Target, compare
from benchmarks.drain import TWO, drain
from benchmarks.installation import Installation
from benchmarks.workbench import Workbench


def run(bench: Workbench) -> list[Finding]:
    """Concurrency 2; the jobs of the drain go before those that wait in the store already."""
    scale = bench.scale
    title = f"drain of a store with {scale.finished:,} finished and {scale.pending:,} pending jobs"
    empty = Contender("queuectl, empty store", lambda: (_drain_empty(bench),))
    target = Target(0.9, at_least=True, against=empty.name)
    metric = Metric(title, "jobs/s", (target,))
    subject = Contender("queuectl, full store", lambda: (_drain_filled(bench),))
    return compare([metric], subject, [empty], rounds=scale.repeat, say=bench.say)


def _drain_filled(bench: Workbench) -> float:
    with Installation(bench.filled_home) as installation:
        return drain(installation, bench.scale.drained, TWO)


def _drain_empty(bench: Workbench) -> float:
    with bench.new_installation() as installation:
        return drain(installation, bench.scale.drained, TWO)
