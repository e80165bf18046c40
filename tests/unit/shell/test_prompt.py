"""A person at the prompt: keys, history, the start-up script."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from queuectl.app import App
from queuectl.commands.command import Options
from queuectl.home.folder import Home
from queuectl.queue import JobQueue
from queuectl.shell.history import HistoryFile
from queuectl.shell.shell import Shell
from tests.support.shell_harness import Said

CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"
Type = Callable[..., Said]


@pytest.fixture
def keyboard() -> Iterator[PipeInput]:
    with create_pipe_input() as keyboard:
        yield keyboard


@pytest.fixture
def typing(
    home: Home, keyboard: PipeInput, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Starts a shell and types keys into it; the shell has to end by them."""

    def run(*keys: str) -> Said:
        app = App(home.path)
        shell = Shell(app, Options(home=home.path), home, is_interactive=True)
        shell.main_session.app.input = keyboard
        shell.main_session.app.output = DummyOutput()
        keyboard.send_text("".join(keys))
        with (tmp_path / "terminal").open("w+") as terminal:
            shell.stdout = terminal
            status = shell.cmdloop()
            terminal.seek(0)
            out = terminal.read()
        shell.close()
        app.close()
        return Said(status, out.partition("leaves.\n")[2], capsys.readouterr().err)

    return run


def commands(queue: JobQueue) -> list[str | None]:
    return [job.command for job in queue.list()]


def test_typed_lines_run_and_ctrl_d_leaves(typing: Type, queue: JobQueue) -> None:
    said = typing('enqueue {"command":"a | b > c"}', ENTER, "lst", ENTER, CTRL_D)
    assert said.status == 0
    assert commands(queue) == ["a | b > c"]
    assert "did you mean 'list'?" in said.err


def test_json_may_go_over_several_lines(typing: Type, queue: JobQueue) -> None:
    typing("enqueue {", ENTER, '"command":', ENTER, '"x | y"}', ENTER, "exit", ENTER)
    assert commands(queue) == ["x | y"]


def test_pasted_lines_run_one_after_another(typing: Type, queue: JobQueue) -> None:
    paste = 'enqueue [\n{"command":"a"},\n\n{"command":"b | c"}\n]\nenqueue d\nexit\n'
    typing(f"\x1b[200~{paste}\x1b[201~", ENTER)
    assert commands(queue) == ["d", "b | c", "a"]


def test_ctrl_c_drops_the_line_and_unfinished_json(typing: Type, queue: JobQueue) -> None:
    typing("enqueue never", CTRL_C, "enqueue {", ENTER, '"command":"never"', CTRL_C, CTRL_D)
    typing("enqueue now", ENTER, CTRL_D)
    assert commands(queue) == ["now"]


def test_what_was_typed_is_kept_also_what_was_wrong(typing: Type, home: Home) -> None:
    typing("lst", ENTER, "enqueue {", ENTER, '"command":"x"}', ENTER, " secret", ENTER, CTRL_D)
    assert HistoryFile(home.history).load() == ["lst", 'enqueue {\n"command":"x"}']


def test_the_start_up_script_makes_aliases_and_macros(
    typing: Type, queue: JobQueue, home: Home
) -> None:
    Path(home.startup_script).write_text(
        "alias create e enqueue\nmacro create twice enqueue 'echo {1}; echo {1}'\n"
    )
    typing("e 'a;'", ENTER, "twice b", ENTER, "exit", ENTER)
    assert commands(queue) == ["echo b; echo b", "a;"]


def test_a_failure_in_the_start_up_script_is_said_and_stops_nothing(
    typing: Type, queue: JobQueue, home: Home
) -> None:
    Path(home.startup_script).write_text("lst\nenqueue {\n")
    said = typing("enqueue a", ENTER, CTRL_D)
    assert said.err.splitlines() == [
        "queuectl: error: startup.txt line 1: unknown command 'lst': did you mean 'list'?",
        "queuectl: error: startup.txt line 2: the JSON that begins here does not end",
    ]
    assert commands(queue) == ["a"]


def test_what_the_start_up_script_sets_stays_set(typing: Type, home: Home, tmp_path: Path) -> None:
    Path(home.startup_script).write_text("set errexit true\n")
    (tmp_path / "s").write_text("lst\nenqueue never\n")
    said = typing(f"run_script {tmp_path}/s", ENTER, "set errexit", ENTER, CTRL_D)
    assert "Enqueued" not in said.out
    assert "True" in said.out


def test_a_home_with_an_odd_name_has_a_start_up_script_too(
    tmp_path: Path, keyboard: PipeInput, queue: JobQueue
) -> None:
    home = Home(str(tmp_path / 'it\'s $HOME \\ "here"'))
    Path(home.startup_script).write_text("enqueue a\n")
    app = App(home.path)
    shell = Shell(app, Options(home=home.path), home, is_interactive=True)
    shell.main_session.app.input = keyboard
    keyboard.send_text(CTRL_D)
    shell.cmdloop()
    assert [job.command for job in app.queue.list()] == ["a"]
    shell.close()
    app.close()


def test_a_broken_store_is_said_at_once_and_the_shell_stays(typing: Type, home: Home) -> None:
    Path(home.database).write_text("no database at all" * 100)
    said = typing("list", ENTER, "!true", ENTER, "exit", ENTER)
    assert said.status == 0
    assert said.err.count("queuectl: error: ") == 2
