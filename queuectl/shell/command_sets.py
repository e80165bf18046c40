"""One cmd2 command set for each category, made from the list of all commands."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any

from cmd2 import Cmd2ArgumentParser, CommandSet, with_argparser

from queuectl.commands.command import Category, Command
from queuectl.commands.grammar import StrictParser, build_parser
from queuectl.shell.completion import attach_completers

if TYPE_CHECKING:
    from queuectl.shell.shell import Shell


_building = Lock()


class ShellParser(StrictParser, Cmd2ArgumentParser):
    """The grammar of one-shot commands, with cmd2's completion and help."""


def command_sets(commands: Iterable[Command]) -> Iterator[CommandSet[Shell]]:
    """The command sets, each with the commands of one category."""
    known = list(commands)
    for category in Category:
        members = [command for command in known if command.category is category]
        if members:
            yield _command_set(category, members)


def _command_set(category: Category, members: list[Command]) -> CommandSet[Shell]:
    name = f"{category.name.title()}Commands"
    methods = {f"do_{command.name}": _method(name, command) for command in members}
    kind = type(name, (CommandSet,), {"DEFAULT_CATEGORY": str(category), **methods})
    made: CommandSet[Shell] = kind()
    return made


def _method(owner: str, command: Command) -> Any:
    def perform(self: CommandSet[Shell], args: Namespace) -> None:
        self._cmd.perform(command, args)

    # cmd2 keeps parsers by qualified name: under a shared one all commands would get the first.
    perform.__name__ = f"do_{command.name}"
    perform.__qualname__ = f"{owner}.{perform.__name__}"
    perform.__doc__ = command.summary
    return with_argparser(lambda: _parser(command))(perform)


def _parser(command: Command) -> ShellParser:
    # The thread of the Tab key may want it while the prompt does, and neither half made.
    with _building:
        parser = build_parser(command, ShellParser)
    assert isinstance(parser, ShellParser)
    attach_completers(parser)
    return parser
