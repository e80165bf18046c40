"""What a command gets from the shell, and what becomes of the ways in which it can end."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from queuectl.commands.command import Category, Command, Context
from queuectl.commands.registry import COMMANDS
from queuectl.home.folder import Home
from tests.support.shell_harness import Harness, MakeHarness

Run = Callable[[Context, Namespace], int]


class FakeCommand(Command):
    """A command whose handler is the test's."""

    handler: Run

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*")
        parser.add_argument("--color", choices=("red", "green"))

    def run(self, context: Context, args: Namespace) -> int:
        return self.handler(context, args)


def fakes(**handlers: Run) -> Mapping[str, Command]:
    commands = {}
    for name, handler in handlers.items():
        kind = type("Fake", (FakeCommand,), {"handler": staticmethod(handler)})
        commands[name] = kind(name, Category.JOBS, f"does {name}")
    return commands


def test_every_command_of_the_registry_has_a_grammar_of_its_own(shell: Harness) -> None:
    app = shell.shell
    parsers = {name: app.command_parsers.get(app.get_command_func(name)) for name in COMMANDS}
    assert all(parsers.values())
    assert len(set(map(id, parsers.values()))) == len(COMMANDS)
    assert {name: parser.prog for name, parser in parsers.items()} == {
        name: name for name in COMMANDS
    }


def test_a_command_gets_its_words_and_writes_where_the_line_says(
    make_harness: MakeHarness, tmp_path: Path
) -> None:
    def run(context: Context, args: Namespace) -> int:
        context.out.write(f"{args.words} {context.out.isatty()}\n")
        return 5

    shell = make_harness(fakes(tell=run))
    assert shell.run("tell a 'b  c'") == (5, "['a', 'b  c'] False\n", "")
    assert shell.run("tell a | cat") == (5, "['a'] False\n", "")
    assert shell.run(f"tell a > {tmp_path}/file") == (5, "", "")
    assert (tmp_path / "file").read_text() == "['a'] False\n"


def test_a_command_without_a_terminal_asks_and_paints_nothing(make_harness: MakeHarness) -> None:
    seen: list[Context] = []

    def run(context: Context, args: Namespace) -> int:
        seen.append(context)
        return 0

    make_harness(fakes(look=run)).run("look")
    (context,) = seen
    assert (context.color, context.width, context.interactive) == (False, None, False)
    assert context.in_shell


def test_an_interrupt_reaches_the_command_and_ends_only_it(make_harness: MakeHarness) -> None:
    told: list[str] = []

    def run(context: Context, args: Namespace) -> int:
        try:
            raise KeyboardInterrupt
        finally:
            told.append("cleaned up")

    shell = make_harness(fakes(work=run))
    assert shell.run("work").status == 130
    assert (told, shell.stopped) == (["cleaned up"], False)
    with pytest.raises(KeyboardInterrupt):
        shell.feed("work\nwork")
    assert len(told) == 2


def test_an_unexpected_error_is_one_line_and_its_traceback_is_kept(
    make_harness: MakeHarness, home: Home
) -> None:
    def run(context: Context, args: Namespace) -> int:
        raise ZeroDivisionError("oh")

    said = make_harness(fakes(crash=run)).run("crash")
    assert said.status == 1
    assert said.err.startswith("queuectl: error: internal error: ZeroDivisionError: oh")
    assert said.err.count("\n") == 1
    assert "in run" in Path(home.path, "errors.log").read_text()


def test_what_the_system_refuses_is_one_line(make_harness: MakeHarness) -> None:
    def run(context: Context, args: Namespace) -> int:
        raise FileNotFoundError(2, "No such file or directory", "/x")

    said = make_harness(fakes(read=run)).run("read")
    assert said == (1, "", "queuectl: error: /x: No such file or directory\n")


def test_a_wrong_choice_names_the_nearest(make_harness: MakeHarness) -> None:
    shell = make_harness(fakes(paint=lambda context, args: 0))
    assert "did you mean 'green'" in shell.run("paint --color gren").err


def test_a_command_that_floods_a_closed_output_ends_the_shell(make_harness: MakeHarness) -> None:
    def run(context: Context, args: Namespace) -> int:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        make_harness(fakes(flood=run)).run("flood")
