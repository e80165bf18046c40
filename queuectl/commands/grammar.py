"""The parser of a command's words: argparse, made strict, with errors that say what would be right.

`StrictParser` serves one-shot commands as it is. The shell mixes it into cmd2's parser, so that
both read the same words in the same way:

    class ShellParser(StrictParser, Cmd2ArgumentParser): ...
"""

from __future__ import annotations

import os
import sys
from argparse import (
    PARSER,
    REMAINDER,
    SUPPRESS,
    Action,
    ArgumentParser,
    HelpFormatter,
    Namespace,
    _SubParsersAction,
)
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from queuectl.commands.failures import UsageError
from queuectl.domain.errors import UnknownName
from queuectl.domain.text import nearest, quoted

if TYPE_CHECKING:
    from queuectl.commands.command import Command

BEFORE_THE_COMMAND = ("--home", "--store", "--no-color", "-q", "--quiet", "--version")


class StrictParser(ArgumentParser):
    """An `ArgumentParser` that raises `UsageError`, takes no abbreviations, and lets the value of
    an option begin with a dash (`--sort -created`)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> Namespace:
        """Parse all words; raises `UsageError` or another `InvalidInput`."""
        parsed, rest = self.parse_known_args(args, namespace)
        if rest:
            self.error(self._explain_rest(rest))
        return parsed

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Parse what is known, as argparse does."""
        words = None if args is None else self._arranged(deque(args))
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(message, short_usage(self))

    def nested(self) -> Iterator[tuple[str, StrictParser]]:
        """The nested commands by name."""
        for action in self._actions:
            if isinstance(action, _SubParsersAction):
                yield from action.choices.items()

    def _check_value(self, action: Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        if isinstance(action, _SubParsersAction):
            raise UnknownName(f"command of {self.prog.split()[-1]}", value, action.choices)
        raise UnknownName(action.dest.replace("_", " "), str(value), map(str, action.choices))

    def _arranged(self, words: deque[str]) -> list[str]:
        """Options first, each in one word with its value; where a nested command or a program
        begins, the rest as it is.

        argparse itself takes a word with a dash for an option, also where only a value can stand,
        and does not find ids on both sides of an option.
        """
        ends_at_a_word = any(action.nargs in (REMAINDER, PARSER) for action in self._actions)
        options: list[str] = []
        others: list[str] = []
        while words:
            word = words.popleft()
            is_option = word.startswith("-") and not (word == "-" or _is_number(word))
            if word == "--" or (ends_at_a_word and not is_option):
                return [*options, *others, word, *words]
            if self._takes_a_value(word):
                if not words:
                    self.error(f"{word} needs a value")
                word = f"{word}={words.popleft()}"
            elif is_option:
                self._refuse_unknown(word)
            (options if is_option else others).append(word)
        return options + others

    def _refuse_unknown(self, word: str) -> None:
        # At once, before argparse takes the value of a mistyped option for something else.
        name = word.partition("=")[0]
        is_long = word.startswith("--") and " " not in name
        if is_long and name not in self._option_string_actions:
            self.error(self._explain_rest([word]))

    def _takes_a_value(self, word: str) -> bool:
        action = self._option_string_actions.get(word)
        return action is not None and action.nargs is None and word.startswith("--")

    def _explain_rest(self, rest: list[str]) -> str:
        word = next((word for word in rest if word.startswith("-")), rest[0])
        name = word.partition("=")[0]
        if not word.startswith("-"):
            return f"unexpected word {quoted(word)}"
        if name in BEFORE_THE_COMMAND:
            return f"the option {name} stands before the command"
        known = [option for parser in all_parsers(self) for option in parser._option_string_actions]
        guess = nearest_option(name, known)
        hint = f": did you mean {guess!r}?" if guess else ""
        return f"unknown option {quoted(name)}{hint}"


class OneShotParser(StrictParser):
    """A `StrictParser` that is cheap to build: argparse loads shutil for the width alone."""

    def _get_formatter(self) -> HelpFormatter:
        return HelpFormatter(self.prog, width=(terminal_width() or 80) - 2)


def build_parser(
    command: Command, parser_class: type[StrictParser] = OneShotParser
) -> StrictParser:
    """The parser of one command."""
    parser = parser_class(prog=f"queuectl {command.name}", description=f"{command.summary}.")
    command.configure(parser)
    return parser


def terminal_width() -> int | None:
    """The columns of the terminal that stdout is, None where it is none."""
    if not sys.stdout.isatty():
        return None
    try:
        columns = int(os.environ.get("COLUMNS", "0"))
        return columns if columns > 0 else os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def all_parsers(parser: StrictParser) -> Iterator[StrictParser]:
    """The parser itself and those of its nested commands."""
    yield parser
    for _, nested in parser.nested():
        yield from all_parsers(nested)


def _is_number(word: str) -> bool:
    return word.lstrip("-").replace(".", "", 1).isdecimal()


def short_usage(parser: ArgumentParser) -> str:
    """One line: the command with its words, its options only hinted at."""
    if parser.usage and parser.usage != SUPPRESS:
        return str(parser.usage).splitlines()[0] % {"prog": parser.prog}
    words = [_word(action) for action in parser._actions if not action.option_strings]
    return " ".join([parser.prog, "[OPTIONS]", *words])


def _word(action: Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    if isinstance(action, _SubParsersAction):
        return f"{name} ..."
    return {"*": f"[{name} ...]", "?": f"[{name}]", "+": f"{name} ..."}.get(str(action.nargs), name)


def nearest_option(name: str, known: Iterable[str]) -> str | None:
    """The known option that `name` was most likely meant to be, if any is close."""
    plain = {option.lstrip("-").replace("-", "_"): option for option in known}
    guess = nearest(name.lstrip("-"), plain)
    return plain[guess] if guess else None
