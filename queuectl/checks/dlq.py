"""Checks of retries and of the dead letter queue."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome

suite = Suite()

_AT_ONCE = {"strategy": "fixed", "delay": 0}
_SLACK = 10.0  # seconds by which a retry may be late on a busy machine


@suite.deliverable("a job that fails is retried and ends in the DLQ")
def _dies(home: ThrowAwayHome) -> None:
    command = "echo attempt $QUEUECTL_ATTEMPT >> tries; echo 'it broke' >&2; exit 3"
    home.enqueue({"id": "bad", "command": command, "max_retries": 2, "backoff": _AT_ONCE})
    home.drain()
    expect_same("attempts", home.lines("tries"), ["attempt 1", "attempt 2", "attempt 3"])
    job = home.expect_state("bad", "dead")
    found = (job["attempts"], job["retries"], job["exit_code"], job["error"])
    expect_same("attempts, retries, exit code and error", found, (3, 2, 3, "it broke"))
    expect_same("DLQ", [each["id"] for each in home.read("dlq", "list")], ["bad"])
    expect_text("dlq list", home.run("dlq", "list").out, "bad", "2/2", "it broke")
    expect_same("dlq show", home.read("dlq", "show", "bad")["id"], "bad")


@suite.deliverable("a job that succeeds at a retry is completed")
def _recovers(home: ThrowAwayHome) -> None:
    command = "[ $QUEUECTL_ATTEMPT -ge 2 ]"
    home.enqueue({"id": "shaky", "command": command, "max_retries": 5, "backoff": _AT_ONCE})
    home.drain()
    job = home.expect_state("shaky", "completed")
    expect_same("attempts and retries", (job["attempts"], job["retries"]), (2, 1))
    expect_same("DLQ", home.read("dlq", "list"), [])


@suite.deliverable("the waits between retries grow exponentially, or as the job says")
def _backoff(home: ThrowAwayHome) -> None:
    wishes: dict[str, tuple[dict[str, Any], list[float]]] = {
        "exponential": ({"strategy": "exponential", "base": 1.4}, [1.4, 1.96]),
        "capped": ({"strategy": "exponential", "base": 60, "max": 0.5}, [0.5, 0.5]),
        "linear": ({"strategy": "linear", "delay": 0.4}, [0.4, 0.8]),
        "list": ({"strategy": "list", "delays": [0.1, 0.7]}, [0.1, 0.7]),
    }
    home.enqueue(
        *(
            {"id": name, "command": "false", "max_retries": 2, "backoff": backoff}
            for name, (backoff, _) in wishes.items()
        )
    )
    home.drain(slots=4)
    for name, (_, waits) in wishes.items():
        for found, wanted in zip(_waits(home.job(name)), waits, strict=True):
            close = wanted <= found < wanted + _SLACK
            expect(close, f"{name}: a retry came after {found:.2f} s instead of {wanted:g} s")


@suite.deliverable("by default a job has 3 retries, and the k-th waits 2 to the power of k seconds")
def _default_backoff(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "bad", "command": "false"})
    home.start()
    job = home.until_state("bad", "failed")
    expect_same("retries allowed", job["max_retries"], 3)
    wait = _instant(job["run_at"]) - _instant(job["history"][-1]["at"])
    expect_same(f"wait before retry {job['retries']}", round(wait, 1), 2.0 ** job["retries"])


@suite.deliverable("dlq retry gives a job its retries back and runs it again")
def _retried(home: ThrowAwayHome) -> None:
    command, backoff = "[ -e repaired ]", _AT_ONCE
    home.enqueue({"id": "broken", "command": command, "max_retries": 1, "backoff": backoff})
    home.drain()
    home.expect_state("broken", "dead")
    (home.folder / "repaired").touch()
    said = home.run("dlq", "retry", "broken").out
    wanted = "Job 'broken' moved from DLQ back to pending queue\nRetry attempts reset to 0/1\n"
    expect_same("what dlq retry said", said, wanted)
    expect_same("retries", home.expect_state("broken", "pending")["retries"], 0)
    home.drain()
    expect_same("attempts", home.expect_state("broken", "completed")["attempts"], 3)
    expect_same("DLQ", home.read("dlq", "list"), [])


@suite.deliverable("dlq retry --all moves all jobs back, and only those in the DLQ")
def _all_retried(home: ThrowAwayHome) -> None:
    _kill_two(home)
    said = home.run("dlq", "retry", "--all").out
    expect_text("what it said", said, "Moving 2 jobs from DLQ back to pending queue...")
    states = {job["id"]: job["state"] for job in home.read("list")}
    expect_same("states", states, {"one": "pending", "two": "pending", "fine": "completed"})
    home.run("dlq", "retry", "--all", code=1)
    home.run("dlq", "retry", "fine", code=1)


@suite.bonus("dlq purge deletes dead jobs and nothing else")
def _purged(home: ThrowAwayHome) -> None:
    _kill_two(home)
    home.run("dlq", "purge", "one")
    expect_same("DLQ", [job["id"] for job in home.read("dlq", "list")], ["two"])
    home.run("dlq", "purge", "fine", code=1)
    home.run("dlq", "purge", "--all")
    expect_same("jobs left", [job["id"] for job in home.read("list")], ["fine"])
    home.run("show", "one", code=1)


def _kill_two(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"id": "one", "command": "false", "max_retries": 0},
        {"id": "two", "command": "false", "max_retries": 0},
        {"id": "fine", "command": "true"},
    )
    home.drain()
    expect_same("number of dead jobs", len(home.read("dlq", "list")), 2)


def _waits(job: dict[str, Any]) -> list[float]:
    """Seconds from the end of each attempt to the start of the next."""
    return [
        _instant(after["started_at"]) - _instant(before["ended_at"])
        for before, after in pairwise(job["runs"])
    ]


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
