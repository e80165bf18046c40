"""Other programs that run commands, for the drains: each a contender in jobs a second."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.comparison import Contender, WorkNotDone
from benchmarks.compiling import NO_COMPILER
from benchmarks.running import NOWHERE, forks, timed
from benchmarks.workbench import Workbench

# A job with the shell line `true` is just this.
TRIVIAL = ("/bin/sh", "-c", "true")


def drains(bench: Workbench, width: int) -> list[Contender]:
    """Those who run as many trivial commands as a drain does, `width` at a time."""
    return [xargs(bench, width), spawn_loop(bench, width)]


def xargs(bench: Workbench, width: int) -> Contender:
    """`xargs -P`, which keeps nothing."""
    name, jobs = f"xargs -P{width}", bench.scale.drained
    program = shutil.which("xargs")
    if program is None:
        return Contender(name, lambda: (), "it is not installed")
    lines = bench.folder / "lines"
    lines.write_text("x\n" * jobs)
    argv = [program, f"-P{width}", "-n1", *TRIVIAL]
    return Contender(name, lambda: (_rate(argv, jobs, lines),))


def spawn_loop(bench: Workbench, width: int) -> Contender:
    """A loop of posix_spawn in C: the limit."""
    name, jobs = f"C posix_spawn loop ({width})", bench.scale.drained
    program = bench.program("spawn_loop")
    if program is None:
        return Contender(name, lambda: (), NO_COMPILER)
    argv = [program, str(jobs), str(width), *TRIVIAL]
    return Contender(name, lambda: (_rate(argv, jobs),))


def _rate(argv: list[str], jobs: int, stdin: Path = NOWHERE) -> float:
    """Jobs a second over the whole life of a program, whose own start and end take about 2 ms."""
    before = forks()
    seconds = timed(argv, stdin).wall
    # Others on this machine start processes too, so there is only a lower bound.
    if forks() - before < jobs:
        raise WorkNotDone(f"{argv[0]} started fewer than {jobs} processes")
    return jobs / seconds
