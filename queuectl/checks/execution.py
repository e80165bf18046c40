"""Checks of a single run: its order, surroundings, output and end."""

from __future__ import annotations

from queuectl.checks.check import Suite
from queuectl.checks.expectation import expect, expect_same, expect_text
from queuectl.checks.home import ThrowAwayHome
from queuectl.checks.survivors import is_alive

suite = Suite()

_WITH_A_CHILD = "sleep 300 & echo $! > child; wait"


@suite.deliverable("wait tells by its exit code how jobs have ended")
def _wait(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"id": "good", "command": "true"},
        {"id": "bad", "command": "false", "max_retries": 0},
        {"id": "later", "command": "true", "delay": 3600},
    )
    home.start()
    home.run("wait", "good", code=0)
    answer = home.run("wait", "good", "bad", code=1)
    expect_text("what it said", answer.out, "Job 'good' completed", "Job 'bad' dead")
    home.run("wait", "later", "--timeout", "0.2", code=124)
    home.run("wait", "nobody", code=1)


@suite.deliverable("show tells the whole history of a job")
def _show(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "shaky", "command": "exit 4", "max_retries": 1, "backoff": "fixed:0s"})
    home.drain()
    job = home.job("shaky")
    runs = [(run["attempt"], run["outcome"], run["exit_code"]) for run in job["runs"]]
    expect_same("attempts", runs, [(1, "exited", 4), (2, "exited", 4)])
    states = [change["to"] for change in job["history"] if change["to"] != "pending"]
    expect_same("states", states, ["processing", "failed", "processing", "dead"])
    expect_text("show", home.run("show", "shaky").out, "exited 4", "1/1", "History")


@suite.bonus("jobs of higher priority run first, equal ones in the order of their enqueue")
def _priority(home: ThrowAwayHome) -> None:
    priorities = {"low": -5, "first": 0, "second": 0, "third": 0, "high": 10}
    home.enqueue(
        *(
            {"id": name, "command": f"echo {name} >> order", "priority": priority}
            for name, priority in priorities.items()
        )
    )
    home.drain()
    expect_same("order", home.lines("order"), ["high", "first", "second", "third", "low"])


@suite.bonus("a command that takes longer than its timeout is ended with all its children")
def _timeout(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "hung", "command": _WITH_A_CHILD, "timeout": 1.5, "max_retries": 0})
    home.drain()
    job = home.expect_state("hung", "dead")
    expect(job["error"].startswith("timed out after"), f"error is {job['error']!r}")
    expect_same("outcome", job["runs"][0]["outcome"], "timed out")
    (child,) = home.lines("child")
    expect(not is_alive(int(child)), "a child of the command is still alive")


@suite.bonus("cancel ends a running command with all its children, and jobs that wait")
def _cancel(home: ThrowAwayHome) -> None:
    home.enqueue(
        {"id": "running", "command": _WITH_A_CHILD, "priority": 1},
        {"id": "waiting", "command": "true"},
    )
    home.start()
    home.until("the job to begin", lambda: home.lines("child"))
    home.run("cancel", "running", "waiting")
    home.until_state("running", "cancelled")
    home.until_state("waiting", "cancelled")
    (child,) = home.lines("child")
    expect(not is_alive(int(child)), "a child of the command is still alive")
    home.run("cancel", "running", code=1)


@suite.bonus("the output of every attempt is kept, both streams in order of arrival")
def _output(home: ThrowAwayHome) -> None:
    command = (
        "echo $QUEUECTL_ATTEMPT out; sleep 0.5; echo err >&2; sleep 0.5; echo end; "
        "[ $QUEUECTL_ATTEMPT = 2 ]"
    )
    home.enqueue({"id": "talks", "command": command, "backoff": "fixed:0s"})
    home.drain()
    expect_same("output", home.run("logs", "talks").out, "2 out\nerr\nend\n")
    first = home.run("logs", "talks", "--attempt", "1").out
    expect_same("output of the first attempt", first, "1 out\nerr\nend\n")
    expect_same("stderr", home.run("logs", "talks", "--stderr").out, "err\n")
    expect_same("tail", home.run("logs", "talks", "--tail", "1").out, "end\n")


@suite.bonus("logs --follow shows the output of a running job as it comes")
def _follow(home: ThrowAwayHome) -> None:
    command = "for i in 1 2 3 4; do echo line $i; sleep 0.2; done"
    home.enqueue({"id": "slow", "command": command})
    home.start()
    home.until_state("slow", "processing")
    followed = home.run("logs", "slow", "--follow").out
    expect_same("what was followed", followed, "line 1\nline 2\nline 3\nline 4\n")
    home.expect_state("slow", "completed")


@suite.bonus("a command gets its variables, its working folder and the facts about its job")
def _surroundings(home: ThrowAwayHome) -> None:
    (home.folder / "below").mkdir()
    home.enqueue(
        {
            "id": "curious",
            "command": 'echo "$COLOR $QUEUECTL_JOB_ID $QUEUECTL_ATTEMPT"; basename "$PWD"; cat',
            "env": {"COLOR": "deep blue"},
            "cwd": str(home.folder / "below"),
        }
    )
    home.drain()
    output = home.run("logs", "curious").out
    expect_same("what the command saw", output, "deep blue curious 1\nbelow\n")


@suite.bonus("run exits with the code of its command and shows its output")
def _run(home: ThrowAwayHome) -> None:
    home.start()
    answer = home.run("run", "--", "sh", "-c", "echo out; echo err >&2; exit 7", code=7)
    expect_same("its output", (answer.out, answer.err), ("out\n", "err\n"))
    home.run("run", "true", code=0)
    home.run("run", "--", "no-such-program-anywhere", code=127)


@suite.bonus("a completed job can be run again, and removed")
def _again(home: ThrowAwayHome) -> None:
    home.enqueue({"id": "job", "command": "echo x >> ran"})
    home.drain()
    home.run("retry", "job")
    home.drain()
    expect_same("number of runs", len(home.lines("ran")), 2)
    home.run("remove", "job")
    home.run("show", "job", code=1)
