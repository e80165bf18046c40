"""Checks of settings."""

from __future__ import annotations

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome

suite = Suite()


@suite.deliverable("a setting is kept, holds for new jobs only, and goes back to its default")
def _set_and_unset(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "before", "command": "true"})
    home.run("config", "set", "max-retries", "7")
    expect_same("max_retries", home.run("config", "get", "max_retries").out, "7\n")
    home.enqueue({"id": "after", "command": "true"})
    home.run("config", "unset", "max_retries")
    expect_same("the default", home.run("config", "get", "max-retries").out, "3\n")
    retries = {job["id"]: job["max_retries"] for job in home.read("list")}
    expect_same("retries of the jobs", retries, {"before": 3, "after": 7})


@suite.deliverable("a setting of unknown name, wrong type or out of range is refused")
def _refused(home: ThrowAwayHome) -> None:
    expect_text("the error", home.run("config", "get", "max_retry", code=2).err, "max_retries")
    for value in ("many", "-1", "1.5", ""):
        home.run("config", "set", "max_retries", value, code=2)
    home.run("config", "set", "kill_grace", "2 weeks ago", code=2)
    expect_same("max_retries", home.run("config", "get", "max_retries").out, "3\n")


@suite.deliverable("config list tells value, default, source and meaning of every setting")
def _list(home: ThrowAwayHome) -> None:
    home.run("config", "set", "kill_grace", "2m")
    settings = {each["key"]: each for each in home.read("config", "list")}
    changed, other = settings["kill_grace"], settings["backoff_base"]
    found = (changed["value"], changed["default"], changed["source"])
    expect_same("kill_grace", found, (120, 5, "store"))
    expect_same("backoff_base", (other["value"], other["source"]), (2, "default"))
    unexplained = [key for key, each in settings.items() if not each["meaning"]]
    expect_same("settings without a meaning", unexplained, [])


@suite.bonus("a setting of processes reaches workers that run already")
def _reaches_workers(home: ThrowAwayHome) -> None:
    home.start()
    home.run("config", "set", "output_limit", "2 KiB")
    home.enqueue({"id": "loud", "command": "head -c 100000 /dev/zero | tr '\\0' x"})
    home.run("wait", "loud")
    kept = home.run("logs", "loud").out.count("x")
    expect_same("characters kept of 100,000", kept, 2048)
