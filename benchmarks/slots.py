"""Many commands at once: how they are drained, what they cost while they run, and to look at."""

from __future__ import annotations

import time

from benchmarks.comparison import Contender, Finding, Metric, Target, WorkNotDone, compare
from benchmarks.drain import Shape, run_beside_others
from benchmarks.installation import Installation
from benchmarks.running import timed
from benchmarks.workbench import Workbench, queuectl
from queuectl.domain.lifecycle import State

_WORKERS = 4
_FOR_LONG = {"args": ["sleep", "86400"]}
_PATIENCE = 120.0


def run(bench: Workbench) -> list[Finding]:
    """Trivial commands, then as many that sleep as there are slots, beside none at all."""
    shape = Shape(_WORKERS, bench.scale.slots // _WORKERS)
    findings = run_beside_others(bench, shape, bound=None)
    with bench.new_installation() as busy, bench.new_installation() as idle:
        for installation in (busy, idle):
            installation.start(*shape)
            installation.settle(bench.scale.settling)
        seconds = _fill(busy, shape.width)
        bench.notes.append(f"{shape.width} commands that sleep were started in {seconds:.2f} s")
        findings += _rest(bench, busy, idle, shape.width)
        for words in (["status"], ["list", "--limit", "50"], ["worker", "status"], ["metrics"]):
            findings += _look(bench, busy, idle, words)
        if busy.count(State.PROCESSING) != shape.width:
            raise WorkNotDone("a command that sleeps has ended")
    return findings


def _fill(installation: Installation, width: int) -> float:
    """Start that many commands; the seconds from their enqueue until all are known to run."""
    began = time.monotonic()
    installation.add([_FOR_LONG] * width)
    while sum(holding.pid is not None for holding in installation.queue.holdings()) < width:
        if time.monotonic() > began + _PATIENCE:
            raise WorkNotDone(f"{width} commands did not start within {_PATIENCE:g} s")
        time.sleep(0.01)
    return time.monotonic() - began


def _rest(bench: Workbench, busy: Installation, idle: Installation, width: int) -> list[Finding]:
    metric = Metric(f"processor time while {width} commands sleep", "% of one core")
    window = bench.scale.window
    subject = Contender("queuectl", lambda: (busy.share_of_a_core(window),))
    reference = Contender("no command", lambda: (idle.share_of_a_core(window),))
    return compare([metric], subject, [reference], rounds=2, warm_up=0, say=bench.say)


def _look(
    bench: Workbench, busy: Installation, idle: Installation, words: list[str]
) -> list[Finding]:
    running = _process("commands run", queuectl(busy.home, *words))
    none = _process("none runs", queuectl(idle.home, *words))
    title = f"{' '.join(words)}, {busy.count(State.PROCESSING)} commands run"
    metric = Metric(title, "ms", (Target(1.5, at_least=False, against=none.name),))
    rounds = bench.scale.repeat * bench.scale.processes
    return compare([metric], running, [none], rounds=rounds)


def _process(name: str, argv: list[str]) -> Contender:
    return Contender(name, lambda: (timed(argv).wall * 1e3,))
