"""Processor time that an installation takes while there is nothing to do."""

from __future__ import annotations

from benchmarks.comparison import Contender, Finding, Metric, Readings, Target, compare
from benchmarks.workbench import Workbench

_WORKERS = 4


def run(bench: Workbench) -> list[Finding]:
    """A share of one core is a ratio already, so there is no reference."""
    target = Target(0.5, at_least=False)
    metric = Metric(f"processor time, idle with {_WORKERS} workers", "% of one core", (target,))
    subject = Contender("queuectl", lambda: _measure(bench))
    return compare([metric], subject, rounds=bench.scale.repeat, warm_up=0, say=bench.say)


def _measure(bench: Workbench) -> Readings:
    with bench.new_installation() as installation:
        installation.start(_WORKERS)
        installation.settle(bench.scale.settling)
        return (installation.share_of_a_core(bench.scale.window),)
