"""How much is measured, and how often."""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """The sizes of all benchmarks; times are seconds."""

    repeat: int  # rounds of each comparison
    drained: int  # jobs that one drain runs
    rivals: int  # jobs that one drain beside other queues runs
    delays: int  # starts that one round of `latency` times
    processes: int  # one-shot processes in one round
    lines: int  # of JSON in one bulk enqueue
    finished: int  # jobs of the filled store that have ended
    pending: int  # jobs of the filled store that wait
    crowd: int  # jobs of each kind in the crowded store: talkative, failed, scheduled
    queues: int  # of the crowded store
    slots: int  # commands that run at once, where they are many
    output: int  # bytes that one command writes, where they are many
    window: float  # how long an idle installation is watched
    settling: float  # how long it is left alone before
    soak: float  # how long an installation lives under steady traffic


FULL = Scale(
    repeat=5,
    drained=20_000,
    rivals=900,  # task-spooler takes no more than about 1,000
    delays=200,
    processes=20,
    lines=100_000,
    finished=1_000_000,
    pending=500_000,
    crowd=100_000,
    queues=1_000,
    slots=1_000,
    output=200_000_000,
    window=30.0,
    settling=3.0,
    soak=3600.0,
)
# Shows that everything works; its numbers say little.
QUICK = Scale(
    repeat=2,
    drained=300,
    rivals=40,
    delays=15,
    processes=3,
    lines=2_000,
    finished=2_000,
    pending=1_000,
    crowd=500,
    queues=50,
    slots=40,
    output=20_000_000,
    window=1.0,
    settling=0.3,
    soak=5.0,
)
