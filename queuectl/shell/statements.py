"""Parses lines for cmd2 so that the text of a job reaches it unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from cmd2 import Statement
from cmd2.exceptions import Cmd2ShlexError
from cmd2.parsing import StatementParser

from queuectl.shell.words import (
    BadSyntax,
    JobGrammar,
    Operator,
    UnfinishedJson,
    Word,
    split,
    unquote,
)

COMMENT = "#"
SHORTCUTS = {"!": "shell", "?": "help"}
# JSON that is not finished is taken as it is behind this: two blank lines.
GIVEN_UP = "\n\n"

FindGrammar = Callable[[str], JobGrammar | None]


class Redirection(NamedTuple):
    """Where the output of a line goes: `|`, `>` or `>>`, and the text behind it."""

    operator: str = ""
    target: str = ""


class ShellStatement(Statement):
    """A parsed line whose `args` are the text behind the command, exactly as written."""

    @property
    def arg_list(self) -> list[str]:
        """The words with their quotes, for macros."""
        return [word.raw for word in split(self.args, operators=False)]

    @property
    def argv(self) -> list[str]:
        """The command and the words without their quotes, for macros."""
        return [self.command, *(word.text for word in words_of(self.args))]


class LineParser(StatementParser):
    """A statement parser that quotes like sh and takes JSON as one word.

    `find_grammar` gives the job grammar of a command whose words may be JSON.
    """

    def __init__(self, find_grammar: FindGrammar) -> None:
        super().__init__(terminators=(), shortcuts=SHORTCUTS)
        self._find_grammar = find_grammar

    def parse(self, line: str) -> Statement:
        """The line as a statement; unfinished JSON makes it a multi-line one without an end."""
        try:
            return self._parse(line, self._expand(line.lstrip()))
        except BadSyntax as error:
            raise Cmd2ShlexError(str(error)) from None

    def _parse(self, line: str, text: str) -> Statement:
        if not text.strip() or text.startswith(COMMENT):
            return ShellStatement("", raw=line)
        first = next(split(text))
        if isinstance(first, Operator):
            raise BadSyntax(f"a command is missing before {first.raw!r}")
        rest, unfinished = text[first.end :], False
        try:
            arguments, redirection = self._cut(first.text, rest)
        except UnfinishedJson:
            arguments, redirection = rest, Redirection()
            unfinished = not text.endswith(GIVEN_UP)
        return ShellStatement(
            arguments.strip(),
            raw=line,
            command=first.text,
            multiline_command=unfinished,
            redirector=redirection.operator,
            redirect_to=redirection.target,
        )

    def _cut(self, command: str, rest: str) -> tuple[str, Redirection]:
        """The arguments, and what becomes of the output."""
        if _takes_the_whole_line(command, rest):
            return rest, Redirection()
        before: Word | None = None
        for found in split(rest, self._find_grammar(command)):
            if isinstance(found, Operator):
                _refuse_descriptor(before, found)
                return rest[: found.start], _redirection(found, rest[found.end :])
            before = found
        return rest, Redirection()

    def get_command_arg_list(
        self, command_name: str, to_parse: Statement | str, preserve_quotes: bool
    ) -> tuple[Statement, list[str]]:
        """The words that argparse gets for a statement, or for a text behind the command."""
        if not isinstance(to_parse, Statement):
            to_parse = self.parse(f"{command_name} {to_parse}")
        words = self.words(to_parse)
        if _defines_a_name(to_parse.command, to_parse.args) and len(words) == 3:
            # The whole value in one pair of quotes, as sh has it.
            words[2] = words[2]._replace(raw=words[2].text)
        return to_parse, [word.raw if preserve_quotes else word.text for word in words]

    def words(self, statement: Statement) -> list[Word]:
        """The words behind the command of a statement that is to be run."""
        grammar = self._find_grammar(statement.command)
        if grammar is not None:
            grammar.is_whole = True
        return list(words_of(statement.args, grammar))

    def is_unfinished(self, line: str) -> bool:
        """Whether `line` breaks off in the middle of a JSON value."""
        try:
            return self.parse(line).multiline_command
        except Cmd2ShlexError:
            return False


def words_of(arguments: str, grammar: JobGrammar | None = None) -> Iterator[Word]:
    """The words of a statement's arguments, which hold no redirection any more."""
    for found in split(arguments, grammar, operators=False):
        if isinstance(found, Word):
            yield found


def redirected_file(statement: Statement) -> str:
    """The name of the file behind `>`, without its quotes."""
    return unquote(statement.redirect_to)


def _takes_the_whole_line(command: str, rest: str) -> bool:
    return command == "shell" or _defines_a_name(command, rest)


def _defines_a_name(command: str, arguments: str) -> bool:
    return command in ("alias", "macro") and arguments.split()[:1] == ["create"]


def _redirection(operator: Operator, rest: str) -> Redirection:
    target = rest.strip()
    match operator.raw:
        case "|":
            if not target:
                raise BadSyntax("a command is missing after '|'")
        case ">" | ">>":
            _check_file_name(operator, list(split(rest)))
        case _:
            raise BadSyntax(f"{operator.raw!r} means nothing here: there are '|', '>' and '>>'")
    return Redirection(operator.raw, target)


def _check_file_name(operator: Operator, words: list[Word | Operator]) -> None:
    if not words or isinstance(words[0], Operator) or not words[0].text:
        raise BadSyntax(f"a file name is missing after {operator.raw!r}")
    if len(words) > 1:
        raise BadSyntax(f"only a file name can follow {operator.raw!r}, not also {words[1].raw!r}")


def _refuse_descriptor(before: Word | None, operator: Operator) -> None:
    # In sh `2>` is something else than `2 >`; taking it for a word would overwrite a file.
    if before and before.end == operator.start and before.raw.isdigit() and operator.raw != "|":
        raise BadSyntax("only the standard output can be redirected, with '>'")
