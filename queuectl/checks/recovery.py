"""Checks of what survives restarts and kills."""

from __future__ import annotations

import os
import signal

from queuectl.checks import survivors
from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same
from queuectl.checks.home import ThrowAwayHome
from queuectl.queue import JobQueue

suite = Suite()

# Runs for ever at first, and ends at once when it is run again.
_ENDS_AT_SECOND = "touch begun; [ $QUEUECTL_ATTEMPT -ge 2 ] || exec sleep 300"


@suite.deliverable("jobs, results and settings survive a restart of all processes")
def _restart(home: ThrowAwayHome) -> None:
    home.run("config", "set", "max_retries", "1")
    home.enqueue({"id": "before", "command": "echo kept"})
    home.drain()
    home.enqueue({"id": "after", "command": "true"})
    home.start()
    home.run("wait", "after")
    home.run("worker", "stop")
    for job_id in ("before", "after"):
        expect_same("attempts", home.expect_state(job_id, "completed")["attempts"], 1)
    expect_same("output", home.run("logs", "before").out, "kept\n")
    expect_same("max_retries", home.run("config", "get", "max_retries").out, "1\n")


@suite.deliverable("nothing is lost when all processes are killed at once")
def _all_killed(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"id": "running", "command": _ENDS_AT_SECOND, "priority": 1, "backoff": "fixed:0s"},
        *({"id": f"n{number}", "command": "true"} for number in range(5)),
    )
    home.start()
    home.until("the job to begin", (home.folder / "begun").exists)
    expect(survivors.kill(str(home.path)), "no process was there to be killed")
    expect_same("number of jobs", len(home.read("list")), 6)
    home.drain()
    expect_same("states", {job["state"] for job in home.read("list")}, {"completed"})
    expect_same("attempts of the job that ran", home.job("running")["attempts"], 2)


@suite.bonus("the job of a killed worker comes back, charged, and a new worker runs it")
def _worker_killed(home: ThrowAwayHome) -> None:
    home.start()
    home.enqueue({"id": "hit", "command": _ENDS_AT_SECOND, "backoff": "fixed:0s"})
    home.until("the job to begin", (home.folder / "begun").exists)
    (victim,) = home.read("worker", "status")["workers"]
    os.kill(victim["pid"], signal.SIGKILL)
    home.run("wait", "hit")
    job = home.expect_state("hit", "completed")
    expect_same("outcomes", [run["outcome"] for run in job["runs"]], ["worker died", "exited"])
    expect_same("retries", job["retries"], 1)
    (heir,) = home.read("worker", "status")["workers"]
    expect(heir["pid"] != victim["pid"], "the killed worker was not replaced")


@suite.bonus("a command that outlives the supervisor ends in peace and is recorded")
def _supervisor_killed(home: ThrowAwayHome) -> None:
    command = "touch begun; until [ -e go ]; do sleep 0.05; done; echo finished"
    home.enqueue({"id": "calm", "command": command})
    home.start()
    home.until("the job to begin", (home.folder / "begun").exists)
    with JobQueue(str(home.path), "sqlite://" + str(home.path / "queue.db")) as queue:
        supervisor = queue.supervisor()
    expect(supervisor is not None, "no supervisor is running")
    if supervisor is not None:
        os.kill(supervisor.pid, signal.SIGKILL)
    (home.folder / "go").touch()
    job = home.until_state("calm", "completed")
    expect_same("attempts", job["attempts"], 1)
    expect_same("output", home.run("logs", "calm").out, "finished\n")
