"""The shell without a terminal: lines from a pipe, and its commands as one-shot commands."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.support.one_shot import OneShot
from tests.support.waiting import until


@pytest.fixture
def queuectl(tmp_path: Path) -> OneShot:
    return OneShot(tmp_path / "home")


def test_a_pipe_is_run_line_by_line_without_prompt_banner_or_echo(queuectl: OneShot) -> None:
    done = queuectl(stdin='enqueue {"command":"a | b > c"}\n# comment\n\nlist --format ids\n')
    assert (done.out, done.err) == ("Enqueued job 'j1' (pending)\nj1\n", "")
    assert queuectl.jobs()[0]["command"] == "a | b > c"


def test_nothing_at_all_is_no_failure(queuectl: OneShot) -> None:
    assert queuectl(stdin="").out == ""


def test_a_pipe_with_a_failure_is_1_and_goes_on(queuectl: OneShot) -> None:
    done = queuectl.attempt(stdin="lst\nenqueue a")
    assert (done.code, done.out) == (1, "Enqueued job 'j1' (pending)\n")
    assert done.err == "queuectl: error: line 1: unknown command 'lst': did you mean 'list'?\n"


def test_errexit_ends_a_pipe_at_the_first_failure(queuectl: OneShot) -> None:
    done = queuectl.attempt(stdin="set errexit true\nlst\nenqueue never\n")
    assert (done.code, done.out) == (1, "")


def test_a_command_that_reads_takes_the_rest_of_the_pipe(queuectl: OneShot) -> None:
    done = queuectl(stdin='enqueue -\n{"command":"a"}\n{"command":"b"}\n')
    assert done.out == "Enqueued 2 jobs\n"


def test_a_program_does_not_take_lines_away(queuectl: OneShot) -> None:
    done = queuectl(stdin="!cat\nlist | cat >/dev/null\nenqueue a\n")
    assert done.out == "Enqueued job 'j1' (pending)\n"


def test_bytes_that_are_no_text_fail_alone(queuectl: OneShot) -> None:
    done = queuectl.attempt(stdin=b"enqueue a\nenqueue \xff\nenqueue b\n")
    assert (done.code, done.out.count("Enqueued")) == (1, 2)


def test_a_script_is_a_one_shot_command(queuectl: OneShot, tmp_path: Path) -> None:
    script = tmp_path / "it's a script"
    script.write_text("enqueue a\nshow nope\n")
    done = queuectl.attempt("run_script", str(script))
    assert (done.code, done.out) == (1, "Enqueued job 'j1' (pending)\n")
    assert done.err == f"queuectl: error: {script.name} line 2: no such job: 'nope'\n"
    script.write_text("enqueue a | cat\n")
    queuectl("run_script", str(script))


@pytest.mark.parametrize(("words", "code"), [(["nope"], 1), ([], 2), (["a", "b"], 2)])
def test_a_script_that_cannot_be_run_is_said_so(
    queuectl: OneShot, words: list[str], code: int
) -> None:
    queuectl.refused(code, "run_script", *words)


@pytest.mark.parametrize("words", [["history"], ["banner"], ["clear"], ["exit"], ["help"]])
def test_commands_of_the_shell_are_one_shot_commands_too(
    queuectl: OneShot, words: list[str]
) -> None:
    queuectl(*words)


def test_without_a_terminal_nothing_is_kept_as_history(queuectl: OneShot) -> None:
    queuectl(stdin="list\nhistory\n")
    assert queuectl("history").out == ""
    assert not (queuectl.home / "history").exists()


def test_a_reader_that_leaves_ends_it_without_a_word(queuectl: OneShot) -> None:
    line = 'printf "status\\n%.0s" $(seq 200) | "$@" | head -1'
    argv = ["bash", "-c", f"{line}; echo ${{PIPESTATUS[*]}}", "bash", *queuectl.argv]
    done = subprocess.run(argv, capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1].split()[1] == "141"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("lines", "group"),
    [("enqueue a\nwait j1\nlist\n", False), ("!sleep 100\nlist\n", True),
     ("list | sleep 100\nlist\n", True), ("", False)],
    ids=["command", "program", "pipe", "waiting for a line"],
)  # fmt: skip
def test_an_interrupt_ends_it_with_130(queuectl: OneShot, lines: str, group: bool) -> None:
    with subprocess.Popen(
        queuectl.argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as shell:
        assert shell.stdin
        assert shell.stdout
        # Before its first line Python itself may still be starting.
        shell.stdin.write(b"config get max_retries\n" + lines.encode())
        shell.stdin.flush()
        assert shell.stdout.readline()
        # What is to be interrupted has to be there: between two programs a Ctrl-C is for neither.
        waits = _runs_sleep if group else _sleeps
        until(lambda: waits(shell.pid), "it waits")
        (os.killpg if group else os.kill)(shell.pid, signal.SIGINT)
        until(lambda: shell.poll() is not None, "it ends")
        assert shell.returncode == 130
        out = shell.stdout.read()
    assert b"Traceback" not in out
    assert b"Legend" not in out


def _sleeps(pid: int) -> bool:
    """Whether the process has reached what it waits for: reading, polling, or a child."""
    waits_at = Path(f"/proc/{pid}/wchan").read_text()
    return any(word in waits_at for word in ("pipe", "nanosleep", "wait"))


def _runs_sleep(pid: int) -> bool:
    below = psutil.Process(pid).children(recursive=True)
    return any(os.path.basename((_words_of(each) or [""])[0]) == "sleep" for each in below)


def _words_of(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []
