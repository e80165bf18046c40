"""Processor time that an installation takes while there is nothing to do."""

from __future__ import annotations

import time

from benchmarks.comparison import Contender, Finding, Metric, Readings, Target, WorkNotDone, compare
from benchmarks.installation import Installation
from benchmarks.workbench import Workbench

_WORKERS = 4
# What clock_getcpuclockid(3) gives for a pid: user and system time of all threads, in nanoseconds,
# where the ticks of /proc/PID/stat are as long as an idle process runs in a minute.
_CPU_CLOCK = 2


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
        began, before = time.monotonic(), _processor_times(installation)
        time.sleep(bench.scale.window)
        after, seconds = _processor_times(installation), time.monotonic() - began
    if before.keys() != after.keys():
        raise WorkNotDone("an idle installation started or ended processes")
    return (100 * (sum(after.values()) - sum(before.values())) / seconds,)


def _processor_times(installation: Installation) -> dict[int, float]:
    """Seconds of user and system time by process."""
    pids = [process.pid for process in installation.processes()]
    return {pid: time.clock_gettime(~pid << 3 | _CPU_CLOCK) for pid in pids}
