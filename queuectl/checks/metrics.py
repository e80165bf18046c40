"""Checks of figures about what has run."""

from __future__ import annotations

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome

suite = Suite()

# Seconds that `sleep 0.5` takes at least, as seen by a worker that starts its clock a bit later.
_SLEPT = 0.4


@suite.bonus("metrics count what ran: jobs, attempts, success rate, throughput")
def _counts(home: ThrowAwayHome) -> None:
    home.enqueue(
        *({"command": "true"} for _ in range(3)),
        {"command": "false", "max_retries": 1, "backoff": "fixed:0s"},
    )
    home.drain()
    metrics = home.read("metrics")
    counts = (metrics["jobs"]["completed"], metrics["jobs"]["dead"])
    expect_same("completed and dead jobs", counts, (3, 1))
    expect_same("success rate of jobs", metrics["success_rate"], 0.75)
    expect_same("attempts", metrics["last_hour"]["attempts"], 5)
    expect_same("success rate of attempts", metrics["last_hour"]["success_rate"], 0.6)
    expect_same("attempts in 5 minutes", round(metrics["throughput"]["5m"] * 300), 5)
    expect_text("metrics", home.run("metrics").out, "Success rate", "75.0%")


@suite.bonus("metrics tell wait and run times, by queue")
def _times(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"command": "sleep 0.5", "queue": "slow"},
        *({"command": "true", "queue": "quick"} for _ in range(4)),
    )
    home.drain()
    queues = home.read("metrics")["queues"]
    attempts = {name: figures["attempts"] for name, figures in queues.items()}
    expect_same("attempts by queue", attempts, {"quick": 4, "slow": 1})
    slow, quick = (queues[name]["run_seconds"]["p50"] for name in ("slow", "quick"))
    expect(_SLEPT <= slow < 10, f"`sleep 0.5` is said to have run {slow} s")
    expect(0 < quick < slow, f"`true` is said to have run {quick} s, `sleep 0.5` {slow} s")
    # One worker with one slot: these waited for `sleep 0.5` to end.
    waited = queues["quick"]["wait_seconds"]["p50"]
    expect(waited >= _SLEPT, f"a wait of 0.5 s or more is said to have been {waited} s")
