"""From the acknowledged enqueue to the first instruction of the command, on an idle system."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable

from benchmarks.comparison import Contender, Finding, Metric, Readings, Target, WorkNotDone, compare
from benchmarks.compiling import NO_COMPILER
from benchmarks.installation import Installation
from benchmarks.workbench import Workbench
from queuectl.domain.lifecycle import State

# Long enough for everything to fall asleep again, and to have ended before anybody looks.
_PAUSE = 0.03
_PATIENCE = 60.0


def run(bench: Workbench) -> list[Finding]:
    """The job prints the time it has when it begins; the floor is a spawn of the same program."""
    program = _program(bench)
    metrics = [
        Metric("enqueue to start, p50", "ms", (Target(3.0, at_least=False),)),
        Metric("enqueue to start, p99", "ms", (Target(8.0, at_least=False),)),
    ]
    delays = bench.scale.delays
    with bench.new_installation() as installation:
        installation.start(2)
        installation.settle(bench.scale.settling)
        subject = Contender("queuectl", lambda: _round(delays, lambda: _job(installation, program)))
        floor = Contender("posix_spawn", lambda: _round(delays, lambda: _spawn(program)))
        return compare(metrics, subject, [floor], rounds=bench.scale.repeat, say=bench.say)


def _program(bench: Workbench) -> list[str]:
    """What prints nanoseconds of the wall clock as early as it can."""
    own = bench.program("moment")
    if own is not None:
        return [own]
    bench.notes.append(f"latency: the command is date, which starts more slowly: {NO_COMPILER}")
    date = shutil.which("date")
    if date is None:
        raise WorkNotDone("neither cc nor date is installed")
    return [date, "+%s%N"]


def _round(count: int, delay: Callable[[], float]) -> Readings:
    """Median and 99th percentile of that many delays."""
    delays = [delay() for _ in range(count)]
    return percentile(delays, 50), percentile(delays, 99)


def percentile(values: list[float], percent: int) -> float:
    """The value that so many per cent of at least two do not exceed, between two if need be."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _job(installation: Installation, program: list[str]) -> float:
    """Milliseconds from the return of the enqueue to the start of the command."""
    queue = installation.queue
    spec = queue.checked({"args": program}, queue.default_spec())
    [(job_id, _)] = queue.add([spec]).jobs
    acknowledged = time.time_ns()
    time.sleep(_PAUSE)
    [job] = queue.wait([job_id], _PATIENCE)
    if job.state is not State.COMPLETED:
        raise WorkNotDone(f"{job_id} is {job.state}: {job.error}")
    began = b"".join(frame.payload for frame in queue.output(job))
    return (int(began) - acknowledged) / 1e6


def _spawn(program: list[str]) -> float:
    """Milliseconds from the call of posix_spawn to the start of the command."""
    reader, writer = os.pipe()
    called = time.time_ns()
    pid = os.posix_spawn(
        program[0], program, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)]
    )
    os.close(writer)
    with open(reader, "rb") as output:
        began = output.read()
    os.waitpid(pid, 0)
    time.sleep(_PAUSE)
    return (int(began) - called) / 1e6
