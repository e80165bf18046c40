"""All benchmarks by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import (
    bulk,
    drain,
    drain_filled,
    idle,
    latency,
    looking,
    memory,
    one_shot,
    output,
    rivals,
    slots,
    soak,
)
from benchmarks.comparison import Finding
from benchmarks.workbench import Workbench

BENCHMARKS: dict[str, Callable[[Workbench], list[Finding]]] = {
    "drain-2": drain.run_two,
    "drain-8": drain.run_eight,
    "rivals": rivals.run,
    "latency": latency.run,
    "one-shot": one_shot.run,
    "bulk": bulk.run,
    "looking": looking.run,
    "drain-filled": drain_filled.run,
    "memory": memory.run,
    "idle": idle.run,
    "slots": slots.run,
    "output": output.run,
    "soak": soak.run,
}
# An hour each: a run in full leaves them out, unless they are named.
LONG = frozenset({"soak"})
