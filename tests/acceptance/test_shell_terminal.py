"""The shell on a terminal, as a person sees it."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from queuectl.queue import JobQueue
from tests.support.one_shot import OneShot
from tests.support.terminal import Terminal, has_ended, line_of
from tests.support.waiting import until

Open = Callable[..., Terminal]
LONG = 'x{"a":1}' * 30


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def queue(home: Path) -> Iterator[JobQueue]:
    with JobQueue(str(home)) as queue:
        yield queue


@pytest.fixture
def open_shell(home: Path) -> Iterator[Open]:
    """Opens shells on one home, each in a terminal of its own."""
    opened: list[Terminal] = []

    def open_one(**options: object) -> Terminal:
        line = line_of(sys.executable, "-m", "queuectl", "--home", str(home))
        terminal = Terminal(line, **options)  # type: ignore[arg-type]
        opened.append(terminal)
        terminal.shows("queuectl>")
        return terminal

    yield open_one
    for terminal in opened:
        terminal.close()


@pytest.fixture
def shell(open_shell: Open) -> Terminal:
    return open_shell()


def last_line(terminal: Terminal) -> str:
    return terminal.screen().splitlines()[-1]


def test_it_greets_prompts_and_counts(shell: Terminal, home: Path) -> None:
    screen = shell.shows("pending 0")
    assert "a durable background job queue" in screen
    assert f"Home: {home}"[:70] in screen
    assert screen.splitlines()[-1] == " 0 workers, 0 busy | pending 0 | processing 0"


def test_json_is_stored_as_typed(shell: Terminal, queue: JobQueue) -> None:
    shell.enter('enqueue {"id":"a","command":"a | b > c; d && e"}')
    shell.shows("Enqueued job 'a' (pending)")
    assert queue.get("a").command == "a | b > c; d && e"


def test_pasted_json_over_several_lines_is_one_job(shell: Terminal, queue: JobQueue) -> None:
    shell.type("enqueue ")
    shell.paste('{\n  "id": "a",\n  "command": "b | c"\n} | cat\nlist --format ids > /dev/null\n')
    shell.shows("Enqueued job 'a' (pending)")
    assert queue.get("a").command == "b | c"


def test_tab_completes_a_job(shell: Terminal, queue: JobQueue) -> None:
    queue.enqueue("true", id="nightly-backup")
    shell.type("show night")
    shell.press("Tab")
    shell.shows("queuectl> show nightly-backup")
    shell.press("Enter")
    shell.shows("Attempts")


def test_the_toolbar_follows_what_others_do(shell: Terminal, queue: JobQueue) -> None:
    shell.type("half a li")
    queue.enqueue_many([{"command": "true"}] * 3)
    shell.shows("pending 3")
    queue.cancel("j1")
    assert "half a li" in shell.shows("cancelled 1")


def test_a_narrow_terminal_has_a_short_toolbar(open_shell: Open, queue: JobQueue) -> None:
    queue.enqueue("true")
    shell = open_shell(columns=30)
    shell.shows("W 0/0 | P 1 | R 0")


def test_a_dumb_terminal_has_none(open_shell: Open, queue: JobQueue) -> None:
    queue.enqueue("true")
    shell = open_shell(term="dumb")
    shell.enter("list --format ids")
    assert "pending" not in shell.shows("j1")


def test_a_typo_is_helped(shell: Terminal) -> None:
    shell.enter("lst")
    shell.shows("queuectl: error: unknown command 'lst': did you mean 'list'?")


def test_output_goes_into_files_and_programs(shell: Terminal, tmp_path: Path) -> None:
    shell.enter(f"enqueue {LONG}")
    shell.shows("Enqueued")
    shell.enter(f"list > {tmp_path}/out")
    shell.enter("list | grep -c x{a:1}x")
    shell.shows("\n1\n")
    assert LONG.replace('"', "") in (tmp_path / "out").read_text()


def test_a_program_behind_a_pipe_may_use_the_terminal(shell: Terminal) -> None:
    shell.enter("list | sh -c 'cat >/dev/null; echo ready; read x </dev/tty; echo got $x'")
    shell.shows("\nready")
    shell.enter("an answer")
    shell.shows("\ngot an answer\nqueuectl>")


def test_ctrl_c_at_the_prompt_drops_the_line(shell: Terminal, queue: JobQueue) -> None:
    shell.type("enqueue never")
    shell.shows("enqueue never")
    shell.press("C-c")
    shell.shows("^C\nqueuectl>")
    shell.enter("enqueue now")
    shell.shows("Enqueued")
    assert [job.command for job in queue.list()] == ["now"]


def test_ctrl_c_ends_the_command_and_not_the_shell(shell: Terminal, queue: JobQueue) -> None:
    queue.enqueue("true")
    shell.enter("wait j1")
    shell.shows("no worker is running")
    shell.press("C-c")
    shell.shows("^C\nqueuectl>")
    shell.enter("list --format ids")
    shell.shows("\nj1\nqueuectl>")


def test_ctrl_c_ends_a_program_behind_the_shell(shell: Terminal) -> None:
    for line in ("list | sleep 1000", "!sleep 1001"):
        shell.enter(line)
        number = line.split()[-1]
        until(lambda number=number: _is_running("sleep", number), line)  # type: ignore[misc]
        shell.press("C-c")
        until(lambda number=number: not _is_running("sleep", number), line)  # type: ignore[misc]
    shell.enter("!echo still | tr a-z A-Z")
    shell.shows("STILL")


def test_ctrl_c_ends_a_whole_script(shell: Terminal, queue: JobQueue, tmp_path: Path) -> None:
    queue.enqueue("true")
    (tmp_path / "script").write_text("wait j1\nenqueue never\n")
    shell.enter(f"run_script {tmp_path}/script")
    shell.shows("no worker is running")
    shell.press("C-c")
    shell.shows("^C\nqueuectl>")
    assert len(list(queue.list())) == 1


def test_ctrl_d_leaves(shell: Terminal) -> None:
    shell.press("C-d")
    shell.shows("left with 0")


def test_shells_that_are_open_together_share_their_history(open_shell: Open, home: Path) -> None:
    first, second = open_shell(), open_shell()
    first.enter("enqueue one")
    first.shows("Enqueued")
    second.enter("enqueue two")
    second.shows("Enqueued")
    first.enter("exit")
    second.enter("exit")
    second.shows("left with 0")
    third = open_shell()
    third.press("Up", "Up", "Up")
    third.shows("queuectl> enqueue")
    third.press("C-c")
    third.shows("^C\nqueuectl>")
    third.enter("history enqueue")
    third.shows("  enqueue one\n")
    third.shows("  enqueue two\n")
    assert (home / "history").stat().st_mode & 0o777 == 0o600


def test_ctrl_r_finds_a_line_again(shell: Terminal) -> None:
    shell.enter("list --format ids")
    shell.enter("status")
    shell.shows("Oldest pending")
    shell.press("C-r")
    shell.type("form")
    shell.shows("list --format ids")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM], ids=["SIGHUP", "SIGTERM"])
@pytest.mark.parametrize("line", ["", "wait j1"], ids=["at the prompt", "in a command"])
def test_a_signal_ends_it_cleanly(
    shell: Terminal, queue: JobQueue, home: Path, number: signal.Signals, line: str
) -> None:
    queue.enqueue("true")
    shell.enter("list --all")
    shell.shows("Showing all jobs")
    if line:
        shell.enter(line)
        shell.shows("no worker is running")
    os.kill(_child_of(shell.pid), number)
    screen = shell.shows(f"left with {128 + number}")
    assert "Traceback" not in screen
    assert (home / "history").read_text().startswith("list --all\n")


def test_a_terminal_that_goes_away_ends_it(shell: Terminal) -> None:
    pid = _child_of(shell.pid)
    shell.close()
    until(lambda: has_ended(pid), "the shell is gone")


def test_a_terminal_that_goes_away_while_it_is_busy_ends_it(open_shell: Open) -> None:
    # The hangup then falls anywhere into its work, and is not to be swallowed there.
    for _ in range(3):
        shell = open_shell()
        pid = _child_of(shell.pid)
        shell.enter("enqueue true")
        shell.type("half a li")
        shell.close()
        until(lambda pid=pid: has_ended(pid), "the shell is gone")  # type: ignore[misc]


def test_errexit_ends_a_script_and_not_the_shell(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("set errexit true\nlst\nenqueue never\n")
    shell.enter(f"run_script {tmp_path}/script")
    shell.shows("script line 2: unknown command 'lst'")
    shell.enter("list --format ids | wc -l")
    shell.shows("\n0\nqueuectl>")


def test_exit_tells_that_workers_go_on(home: Path, shell: Terminal) -> None:
    queuectl = OneShot(home)
    queuectl("worker", "start", "--count", "2")
    try:
        shell.shows("2 workers, 0 busy")
        shell.enter("exit")
        shell.shows("2 workers keep running: worker stop ends them\nleft with 0")
    finally:
        queuectl("worker", "stop")


def _child_of(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def _is_running(*words: str) -> bool:
    wanted = b"".join(os.fsencode(word) + b"\0" for word in words)
    return any(_argv(entry) == wanted for entry in Path("/proc").glob("[0-9]*/cmdline"))


def _argv(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
