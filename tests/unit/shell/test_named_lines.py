"""Aliases and macros keep lines as they were written."""

import pytest

from queuectl.queue import JobQueue
from tests.support.shell_harness import Harness

JSON = '{"command":"a | b  > c; it\'s"}'


@pytest.mark.parametrize("value", ["list | grep -c P", "'list | grep -c P'"])
def test_an_alias_may_hold_a_pipe(shell: Harness, value: str) -> None:
    said = shell.run(f"alias create pending {value}", "enqueue x", "pending")
    assert said.out.splitlines()[-1] == "2"  # the job and the legend


def test_an_alias_takes_json_behind_it(shell: Harness, queue: JobQueue) -> None:
    shell.run("alias create e enqueue --queue q", f"e {JSON} | cat")
    job = queue.get("j1")
    assert (job.command, job.queue) == ("a | b  > c; it's", "q")


def test_an_alias_may_hold_json(shell: Harness, queue: JobQueue) -> None:
    shell.run(f"alias create e enqueue {JSON}", "e")
    assert queue.get("j1").command == "a | b  > c; it's"


def test_a_macro_puts_its_arguments_into_json(shell: Harness, queue: JobQueue) -> None:
    shell.run('macro create job enqueue {"id":"{1}","command":"echo {2} > x; y"}', "job one hi")
    assert queue.get("one").command == "echo hi > x; y"


def test_a_macro_without_its_arguments_is_an_error(shell: Harness) -> None:
    said = shell.run("macro create two show {1}", "two")
    assert (said.status, said.err) == (
        2,
        "queuectl: error: The macro 'two' expects at least 1 argument\n",
    )


def test_what_is_listed_makes_the_same_again(shell: Harness, queue: JobQueue) -> None:
    shell.run(f"alias create e enqueue {JSON}", 'macro create m list "{1}" | grep  > x')
    listed = shell.run("alias list", "macro list").out
    assert listed == f"alias create e enqueue {JSON}\n" + 'macro create m list "{1}" | grep > x\n'
    shell.run("alias delete --all", "macro delete --all")
    shell.feed(listed)
    assert shell.run("alias list", "macro list").out == listed
    shell.run("e")
    assert queue.get("j1").command == "a | b  > c; it's"


def test_help_says_what_a_name_stands_for(shell: Harness) -> None:
    assert shell.run("alias create e enqueue", "help e").out == "e: enqueue\n"
    assert "\n  e\n" in shell.run("help").out


def test_a_command_cannot_be_hidden_by_an_alias(shell: Harness) -> None:
    assert shell.run("alias create list status").status == 2
