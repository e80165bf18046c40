"""Checks of the ways to give commands: one by one, from pipes and scripts, in the shell."""

from __future__ import annotations

import sys

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome
from queuectl.checks.terminal import Terminal

suite = Suite()

_COMMANDS = ("enqueue", "list", "show", "logs", "cancel", "worker", "status", "dlq", "config")


@suite.deliverable("help lists the commands and explains each")
def _help(home: ThrowAwayHome) -> None:
    overview = home.run("help").out
    for name in _COMMANDS:
        expect_text("help", overview, f"  {name} ")
    expect_text("help enqueue", home.run("help", "enqueue").out, "--max-retries", "--delay")
    expect_text("its other form", home.run("worker", "start", "--help").out, "--count")


@suite.deliverable("errors go to stderr as one line with the right exit code")
def _errors(home: ThrowAwayHome) -> None:
    for words, code, part in (
        (("enqueu", "true"), 2, "enqueue"),
        (("list", "--fromat", "json"), 2, "--format"),
        (("show", "nobody"), 1, "'nobody'"),
        (("list", "--state", "daed"), 2, "dead"),
    ):
        answer = home.run(*words, code=code)
        expect_same(f"stdout of {words}", answer.out, "")
        expect_text(f"error of {words}", answer.err, "queuectl: error: ", part)


@suite.bonus("lines from a pipe are run one after another, and a failure is told by exit code 1")
def _pipe(home: ThrowAwayHome) -> None:
    answer = home.run(stdin="enqueue --id x true\nlist --format ids\n")
    expect_same("output", answer.out, "Enqueued job 'x' (pending)\nx\n")
    answer = home.run(stdin="nonsense\nlist --format ids\n", code=1)
    expect_same("output after a failure", answer.out, "x\n")
    expect_text("the error", answer.err, "nonsense")


@suite.bonus("a script is run line by line, and stops at a failure where that is set")
def _script(home: ThrowAwayHome) -> None:
    lines = "# two jobs\nenqueue --id one true\nshow nobody\nenqueue --id two true\n"
    (home.folder / "careless.txt").write_text(lines)
    (home.folder / "careful.txt").write_text("set errexit true\n" + lines.replace("one", "three"))
    home.run("run_script", "careless.txt", code=1)
    expect_same("jobs", {job["id"] for job in home.read("list")}, {"one", "two"})
    home.run("remove", "two")
    home.run("run_script", "careful.txt", code=1)
    expect_same("jobs", {job["id"] for job in home.read("list")}, {"one", "three"})


@suite.bonus("output goes into programs and files, and the text of a job stays as it is")
def _redirection(home: ThrowAwayHome) -> None:
    command = "printf '%s' 'a | b > c; d && e' # {x}"
    lines = (
        f'enqueue {{"id": "raw", "command": "{command}"}}\n'
        "enqueue --id other true\n"
        "list --format ids | sort > sorted\n"
        "list --state pending --format ids > written\n"
        "list --format ids >> written\n"
    )
    home.run(stdin=lines)
    expect_same("command", home.job("raw")["command"], command)
    expect_same("what was piped", home.lines("sorted"), ["other", "raw"])
    expect_same("what was written", home.lines("written"), ["other", "raw"] * 2)


@suite.bonus("the shell on a terminal runs what is typed and remembers it")
def _terminal(home: ThrowAwayHome) -> None:
    with Terminal(home, home.argv()) as terminal:
        terminal.until_shows("queuectl>")
        terminal.type_line('enqueue {"id": "typed", "command": "echo a | tr a b"}')
        terminal.until_shows("Enqueued job 'typed' (pending)")
        terminal.type_line("exit")
        expect_same("exit code of the shell", terminal.exit_code(), 0)
    expect_same("command", home.job("typed")["command"], "echo a | tr a b")
    expect_text("history", home.run("history").out, '"id": "typed"', "exit")
    mode = (home.path / "history").stat().st_mode & 0o777
    expect_same("mode of the history file", oct(mode), "0o600")


@suite.bonus("Python programs use the same queue")
def _python(home: ThrowAwayHome) -> None:
    program = (
        "from queuectl import JobQueue\n"
        f"with JobQueue({str(home.path)!r}) as queue:\n"
        "    job = queue.enqueue('echo from python', priority=3)\n"
        "    [ended] = queue.wait([job.id], timeout=30)\n"
        "    print(job.id, ended.state, [each.id for each in queue.list()] == [job.id])\n"
    )
    home.start()
    answer = home.run_program([sys.executable, "-P", "-c", program])
    expect(answer.code == 0, f"the program failed: {answer.err[-300:]}")
    job_id, state, listed = answer.out.split()
    expect_same("state and list", (state, listed), ("completed", "True"))
    expect_same("output", home.run("logs", job_id).out, "from python\n")
