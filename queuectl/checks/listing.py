"""Checks of how jobs are listed."""

from __future__ import annotations

import csv
import io
import json

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome

suite = Suite()


@suite.deliverable("list shows the jobs, newest first, with letters for their states")
def _table(home: ThrowAwayHome) -> None:
    _fill(home)
    lines = home.run("list").out.splitlines()
    expect_same("columns", lines[0].split(), ["ID", "St", "Command", "T", "Created"])
    shown = [tuple(line.split()[:2]) for line in lines[2:7]]
    wanted = [("gone", "X"), ("later", "S"), ("next", "P"), ("bad", "D"), ("good", "C")]
    expect_same("ids and states", shown, wanted)
    expect(lines[7].startswith("State Legend: P=Pending, "), "the legend is missing")
    expect_same("the line about the filter", lines[8], "Showing all jobs")


@suite.deliverable("list finds jobs by state, queue, tag and text")
def _filters(home: ThrowAwayHome) -> None:
    _fill(home)
    for words, wanted in (
        (("--state", "dead"), "bad"),
        (("--state", "pending,scheduled"), "later next"),
        (("--queue", "mail"), "good"),
        (("--tag", "night"), "later next"),
        (("--search", "needle"), "next"),
        (("--tag", "night", "--state", "pending"), "next"),
    ):
        found = home.run("list", *words, "--format", "ids").out.split()
        expect_same(f"jobs of list {' '.join(words)}", found, wanted.split())
    expect_text("the filter in words", home.run("list", "--state", "dead").out, "Showing dead jobs")


@suite.bonus("list prints the same jobs as JSON, JSON Lines, CSV and ids")
def _formats(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "a", "command": "echo 'x, y'", "tags": ["t"]}, {"id": "b", "args": ["x"]})
    jobs = home.read("list")
    lines = home.run("list", "--format", "jsonl").out.splitlines()
    expect_same("JSON Lines", [json.loads(line) for line in lines], jobs)
    rows = list(csv.DictReader(io.StringIO(home.run("list", "--format", "csv").out)))
    expect_same("ids in CSV", [row["id"] for row in rows], ["b", "a"])
    expect_same("command in CSV", rows[1]["command"], "echo 'x, y'")
    expect_same("ids", home.run("list", "--format", "ids").out, "b\na\n")


@suite.bonus("list sorts and pages, and says how many jobs there are")
def _pages(home: ThrowAwayHome) -> None:
    home.enqueue(*({"id": f"n{number}", "command": "true"} for number in range(60)))
    page = ("list", "--sort", "id", "--limit", "2", "--offset", "1", "--format", "ids")
    expect_same("second and third by id", home.run(*page).out.split(), ["n1", "n10"])
    table = home.run("list").out
    expect_same("rows of the table", sum(line.startswith("n") for line in table.splitlines()), 50)
    expect_text("the table", table, "60")
    whole = home.run("list", "--all").out
    expect_same("rows of all", sum(line.startswith("n") for line in whole.splitlines()), 60)


def _fill(home: ThrowAwayHome) -> None:
    """Five jobs in five states."""
    home.enqueue(
        {"id": "good", "command": "true", "queue": "mail"},
        {"id": "bad", "command": "false", "max_retries": 0},
    )
    home.drain()
    home.enqueue(
        {"id": "next", "command": "echo needle", "tags": ["night"]},
        {"id": "later", "command": "true", "delay": 3600, "tags": ["night"]},
        {"id": "gone", "command": "true"},
    )
    home.run("cancel", "gone")
