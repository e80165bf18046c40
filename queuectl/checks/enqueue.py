"""Checks of what goes into the queue, and what is refused."""

from __future__ import annotations

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome

suite = Suite()

_INVALID = (
    ("enqueue", '{"command": "true", "prioritty": 1}'),
    ("enqueue", '{"command": "true", "priority": "high"}'),
    ("enqueue", '{"command": "true", "max_retries": -1}'),
    ("enqueue", '{"command": "true"'),
    ("enqueue", '{"priority": 1}'),
    ("enqueue", "--timeout", "soon", "true"),
)


@suite.deliverable("a shell line, a program and a JSON object run exactly as written")
def _runs_as_written(home: ThrowAwayHome) -> None:
    home.run("enqueue", "--id", "line", "echo 'a | b > c' | tr a-c A-C && echo '$HOME'; echo d")
    home.run("enqueue", "--id", "program", "--", "printf", "[%s]", "two  words", "*", "$HOME")
    home.run("enqueue", '{"id": "json", "command": "echo \\"é\\" | cat", "priority": 10}')
    expect_same("priority of json", home.job("json")["priority"], 10)
    home.drain()
    wanted = {"line": "A | B > C\n$HOME\nd\n", "program": "[two  words][*][$HOME]", "json": "é\n"}
    for job_id, text in wanted.items():
        home.expect_state(job_id, "completed")
        expect_same(f"output of {job_id}", home.run("logs", job_id).out.rstrip(), text.rstrip())


@suite.deliverable("generated ids are told, and an id that is taken is refused")
def _ids(home: ThrowAwayHome) -> None:
    said = home.run("enqueue", "true").out
    (job,) = home.read("list")
    expect_same("what enqueue said", said, f"Enqueued job '{job['id']}' (pending)\n")
    home.run("enqueue", "--id", "mine", "true")
    refused = home.run("enqueue", "--id", "mine", "false", code=1)
    expect_text("the error", refused.err, "'mine'", "exists already")
    expect_same("number of jobs", len(home.read("list")), 2)
    expect_same("command of mine", home.job("mine")["command"], "true")


@suite.deliverable("invalid input is refused with exit code 2 and one line, and nothing changes")
def _invalid_input(home: ThrowAwayHome) -> None:
    for words in _INVALID:
        answer = home.run(*words, code=2)
        first = answer.err.splitlines()[0] if answer.err else ""
        expect(first.startswith("queuectl: error: "), f"no error line for {words[-1]}")
        expect("Traceback" not in answer.err, f"a traceback for {words[-1]}")
    expect_same("jobs", home.read("list"), [])


@suite.deliverable("a batch goes in whole or not at all, and its error names the line")
def _batch(home: ThrowAwayHome) -> None:
    good = '{"id": "one", "command": "true"}\n'
    refused = home.run("enqueue", "-", stdin=good + '{"comand": "true"}\n', code=2)
    expect_text("the error", refused.err, "line 2", "comand")
    expect_same("jobs after a bad batch", home.read("list"), [])
    said = home.run("enqueue", "-", stdin=good + '{"id": "two", "args": ["true"]}\n').out
    expect_same("what enqueue said", said, "Enqueued 2 jobs\n")
    expect_same("ids", {job["id"] for job in home.read("list")}, {"one", "two"})


@suite.bonus("each line of a text becomes a job, as it is or quoted into a template")
def _lines(home: ThrowAwayHome) -> None:
    home.run("enqueue", "-", "--lines", "--tag", "plain", stdin="echo first\n\necho second\n")
    names = "two words\n$(touch harm)\n"
    home.run("enqueue", "-", "--template", "printf '%s\\n' {} >> names", stdin=names)
    lines = [job["command"] for job in home.read("list", "--tag", "plain", "--sort", "created")]
    expect_same("lines", lines, ["echo first", "echo second"])
    home.drain()
    expect_same("lines that the jobs got", home.lines("names"), names.splitlines())
    expect(not (home.folder / "harm").exists(), "a line was run instead of quoted")


@suite.bonus("with --on-conflict skip, jobs that exist are left as they are")
def _skip(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "old", "command": "true"})
    lines = '{"id": "old", "command": "false"}\n{"id": "new", "command": "true"}\n'
    home.run("enqueue", "-", "--on-conflict", "skip", stdin=lines)
    commands = {job["id"]: job["command"] for job in home.read("list")}
    expect_same("jobs", commands, {"old": "true", "new": "true"})
