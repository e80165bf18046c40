"""Checks of jobs that wait for their time."""

from __future__ import annotations

from datetime import datetime

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same
from queuectl.checks.home import ThrowAwayHome

suite = Suite()

_SLACK = 10.0  # seconds by which a start may be late on a busy machine


@suite.bonus("a delayed job starts when its time has come, and not before")
def _delay(home: ThrowAwayHome) -> None:
    home.start()
    home.run("enqueue", "--id", "delayed", "--delay", "1.2", "true")
    home.run("enqueue", "--id", "timed", "--at", "now+1.2s", "true")
    home.run("wait", "delayed", "timed")
    for job_id in ("delayed", "timed"):
        job = home.job(job_id)
        expect_same("its first state", job["history"][0]["to"], "scheduled")
        started, due = (datetime.fromisoformat(job[name]) for name in ("started_at", "run_at"))
        created = datetime.fromisoformat(job["created_at"])
        waited = (started - created).total_seconds()
        expect(1.1 < waited < 1.2 + _SLACK, f"{job_id} started after {waited:.2f} s")
        expect(started >= due, f"{job_id} started before it was due")


@suite.bonus("a scheduled job that is cancelled does not run")
def _sooner(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "never", "command": "echo never >> ran", "delay": 1})
    home.run("cancel", "never")
    home.enqueue({"id": "after", "command": "echo after >> ran", "delay": 1.5})
    home.start()
    home.run("wait", "after")
    expect_same("what ran", home.lines("ran"), ["after"])
    home.expect_state("never", "cancelled")
