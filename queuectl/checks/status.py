"""Checks of what is said about the queue as a whole."""

from __future__ import annotations

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome

suite = Suite()


@suite.deliverable("status counts the jobs of every state and the workers, busy and idle")
def _counts(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"id": "long", "command": "until [ -e go ]; do sleep 0.05; done", "priority": 1},
        {"id": "quick", "command": "true"},
        {"id": "bad", "command": "false", "max_retries": 0},
    )
    expect_same("counts before", _counted(home), {"pending": 3})
    home.start()
    # What a worker took ahead goes back once it sees that it has to wait.
    during = {"processing": 1, "pending": 2}
    home.until(f"the counts {during}", lambda: _counted(home) == during)
    status = home.read("status")
    expect_same("workers during", status["workers"], {"active": 1, "busy": 1})
    expect(status["oldest_pending_seconds"] > 0, "no age of the oldest pending job")
    (home.folder / "go").touch()
    home.run("wait", "long", "quick")
    home.until_state("bad", "dead")
    expect_same("counts after", _counted(home), {"completed": 2, "dead": 1})
    expect_same("workers after", home.read("status")["workers"], {"active": 1, "busy": 0})


@suite.deliverable("status says where jobs wait for a worker that nobody has started")
def _hint(home: ThrowAwayHome) -> None:
    home.run("enqueue", "true")
    expect_text("status", home.run("status").out, "no worker is running", "run worker start")
    home.drain()
    expect("no worker" not in home.run("status").out, "status asks for workers without need")


@suite.bonus("status and time tell when the next scheduled run is")
def _next_run(home: ThrowAwayHome) -> None:
    expect_same("next run of an empty queue", home.read("status")["next_run_at"], None)
    home.enqueue({"id": "later", "command": "true", "run_at": "2099-12-31T22:59:58Z"})
    wanted = "2099-12-31T22:59:58Z"
    expect_same("next run in status", home.read("status")["next_run_at"], wanted)
    expect_same("next run in time", home.read("time")["next_run_at"], wanted)


def _counted(home: ThrowAwayHome) -> dict[str, int]:
    jobs = home.read("status")["jobs"]
    return {state: count for state, count in jobs.items() if count}
