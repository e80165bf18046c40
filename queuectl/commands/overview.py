"""Help in words: all commands by category, or the grammar of one."""

from __future__ import annotations

from queuectl.commands.command import Category
from queuectl.commands.failures import UsageError
from queuectl.commands.grammar import StrictParser, build_parser
from queuectl.commands.invocation import OPTIONS, USAGE
from queuectl.commands.registry import COMMANDS, SHELL_COMMANDS, find_command


def overview() -> str:
    """All that can be asked for."""
    lines = [f"usage: {USAGE}", "", "Without a command: the shell on a terminal, else lines from"]
    lines += ["standard input. `queuectl help COMMAND` tells more about one.", "", "Options:"]
    width = 2 + max(map(len, [*COMMANDS, *SHELL_COMMANDS, *OPTIONS]))
    lines += [f"  {option:<{width}}{meaning}" for option, meaning in OPTIONS.items()]
    for category in Category:
        entries = [
            (command.name, command.summary)
            for command in COMMANDS.values()
            if command.category is category
        ]
        if category is Category.GENERAL:
            entries += SHELL_COMMANDS.items()
        if entries:
            lines += ["", f"{category}:"]
            lines += [f"  {name:<{width}}{summary}" for name, summary in entries]
    return "\n".join(lines) + "\n"


def help_text(words: list[str]) -> str:
    """The overview, or the help of the (perhaps nested) command that `words` name."""
    if not words:
        return overview()
    if words[0] in SHELL_COMMANDS:
        return f"{words[0]}: {SHELL_COMMANDS[words[0]]}\n"
    parser = build_parser(find_command(words[0]))
    for word in words[1:]:
        parser = _nested(parser, word)
    return parser.format_help()


def _nested(parser: StrictParser, word: str) -> StrictParser:
    for name, nested in parser.nested():
        if name == word:
            return nested
    raise UsageError(f"{parser.prog} has no command {word!r}", "queuectl help [COMMAND]")
