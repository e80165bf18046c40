"""Checks of workers: their start, their work and their end."""

from __future__ import annotations

import os
import time
from datetime import datetime

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome

suite = Suite()

_NOW = 15.0  # seconds, which is less than the shutdown_grace that is not waited for


@suite.deliverable("workers start in the background and run jobs side by side")
def _side_by_side(home: ThrowAwayHome) -> None:
    said = home.run("worker", "start", "--count", "2").out
    expect_text("what it said", said, "Starting 2 worker processes...", "Started worker worker_")
    workers = home.read("worker", "status")["workers"]
    expect_same("number of workers", len(workers), 2)
    for worker in workers:
        os.kill(worker["pid"], 0)
        expect_text("what it said", said, f"{worker['id']} (PID: {worker['pid']})")
    home.enqueue(*_each_waits_for_all("a", "b"))
    home.run("wait", "a", "b")
    ran_in = {home.job(job_id)["worker"] for job_id in "ab"}
    expect_same("workers that ran them", ran_in, {worker["id"] for worker in workers})


@suite.deliverable("every job runs once, however many workers there are")
def _once(home: ThrowAwayHome) -> None:
    ids = [f"n{number:02}" for number in range(60)]
    home.enqueue(*({"id": name, "command": f"echo {name} >> ran"} for name in ids))
    home.drain(count=3, slots=2)
    expect_same("ids that ran", sorted(home.lines("ran")), ids)
    ends = {(job["state"], job["attempts"]) for job in home.read("list")}
    expect_same("states and attempts", ends, {("completed", 1)})


@suite.deliverable("worker stop lets running commands finish and starts no more")
def _graceful(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"id": "running", "command": "touch begun; sleep 1; echo finished"},
        {"id": "waiting", "command": "true"},
    )
    home.start()
    home.until("the first job to begin", (home.folder / "begun").exists)
    said = home.run("worker", "stop").out
    expect_text("what it said", said, "All workers stopped gracefully")
    home.expect_state("running", "completed")
    expect_same("output", home.run("logs", "running").out, "finished\n")
    expect_same("attempts", home.expect_state("waiting", "pending")["attempts"], 0)
    expect_same("workers left", home.read("worker", "status")["active"], 0)
    expect_text("a second stop", home.run("worker", "stop").out, "No workers are running")


@suite.deliverable("worker stop --now gives running jobs back uncharged")
def _now(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "long", "command": "touch begun; exec sleep 300", "max_retries": 0})
    home.start()
    home.until("the job to begin", (home.folder / "begun").exists)
    start = time.monotonic()
    home.run("worker", "stop", "--now")
    took = time.monotonic() - start
    expect(took < _NOW, f"worker stop --now took {took:.1f} s")
    expect_same("retries", home.expect_state("long", "pending")["retries"], 0)


@suite.bonus("a worker that has ended a job takes the next at once")
def _at_once(home: ThrowAwayHome) -> None:
    home.enqueue(*({"command": "true"} for _ in range(25)))
    home.drain()
    jobs = home.read("list", "--sort", "created")
    first, last = (datetime.fromisoformat(jobs[at]["finished_at"]) for at in (0, -1))
    took = (last - first).total_seconds()
    expect(took < 15, f"24 times `true` took {took:.1f} s")


@suite.bonus("a worker with several slots runs as many commands at once")
def _slots(home: ThrowAwayHome) -> None:
    home.start(slots=3)
    home.enqueue(*_each_waits_for_all("a", "b", "c"))
    home.run("wait", "a", "b", "c")
    expect_same("workers", len({home.job(job_id)["worker"] for job_id in "abc"}), 1)


@suite.bonus("worker start --drain ends once nothing is left to do, retries included")
def _drain(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"id": "good", "command": "true"},
        {"id": "bad", "command": "false", "max_retries": 1, "backoff": "fixed:1.5s"},
        {"id": "later", "command": "true", "delay": 3600},
    )
    home.run("worker", "start", "--count", "2", "--drain")
    states = {job["id"]: job["state"] for job in home.read("list")}
    expect_same("states", states, {"good": "completed", "bad": "dead", "later": "scheduled"})
    expect_same("workers left", home.read("worker", "status")["active"], 0)


@suite.bonus("worker status shows what each worker does and has done")
def _status(home: ThrowAwayHome) -> None:
    home.start()
    home.enqueue({"id": "quick", "command": "true"})
    home.run("wait", "quick")
    home.enqueue({"id": "long", "command": "until [ -e go ]; do sleep 0.05; done"})
    home.until_state("long", "processing")
    status = home.read("worker", "status")
    (worker,) = status["workers"]
    expect_same("status and jobs", (worker["status"], worker["jobs"]), ("busy", ["long"]))
    expect_same("processed", (worker["processed"], status["processed"]), (1, 1))
    expect(status["average_seconds"] > 0, "no average time")
    table = home.run("worker", "status").out
    expect_text("table", table, "long", "Active Workers: 1 | Total Jobs Processed: 1")
    (home.folder / "go").touch()
    home.run("wait", "long")


@suite.bonus("workers of one queue leave the jobs of others alone")
def _queues(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"id": "mail", "command": "true", "queue": "mail"},
        {"id": "other", "command": "true"},
    )
    home.run("worker", "start", "--queue", "mail", "--drain")
    home.expect_state("mail", "completed")
    home.expect_state("other", "pending")


def _each_waits_for_all(*names: str) -> list[dict[str, object]]:
    """Jobs that can only end if they run at the same time."""
    everybody = " && ".join(f"[ -e {name} ]" for name in names)
    wait = f"until {everybody}; do sleep 0.05; done"
    return [{"id": name, "command": f"touch {name}; {wait}", "timeout": 20} for name in names]
