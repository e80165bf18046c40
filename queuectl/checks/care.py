"""Checks of the doctor, of backups and of what is restored from them."""

from __future__ import annotations

import json
import os

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome

suite = Suite()


@suite.bonus("doctor finds nothing in a queue that works, and mends what others could read")
def _doctor(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "job", "command": "true"})
    home.drain()
    expect_same("findings", _wrong(home), {})
    os.chmod(home.path / "queue.db", 0o644)
    answer = home.run("doctor", code=1)
    expect_text("doctor", answer.out, "✗ permissions", "0644")
    home.run("doctor", "--repair")
    expect_same("findings after the repair", _wrong(home), {})


@suite.bonus("a backup taken while workers run is restored with every job, output and setting")
def _backup(home: ThrowAwayHome) -> None:
    home.run("config", "set", "max_retries", "7")
    home.start()
    home.enqueue({"id": "done", "command": "echo kept"})
    home.run("wait", "done")
    waiting = home.enqueue(*({"command": "true", "delay": 3600} for _ in range(20)))
    file = str(home.folder / "queue.tar")
    home.run("backup", file)
    home.run("worker", "stop")
    home.run("remove", "--all")
    home.run("restore", file)
    expect_same("jobs", {job["id"] for job in home.read("list")}, {"done", *waiting})
    expect_same("output", home.run("logs", "done").out, "kept\n")
    expect_same("max_retries", home.run("config", "get", "max_retries").out, "7\n")
    refused = home.run("restore", file, code=1)
    expect_text("the refusal", refused.err, "--force")
    expect(home.enqueue({"command": "true"})[0] not in waiting, "an id was given out twice")


def _wrong(home: ThrowAwayHome) -> dict[str, str]:
    findings = json.loads(home.run("doctor", "--format", "json", code=None).out)
    return {one["check"]: one["found"] for one in findings if one["status"] == "problem"}
