"""Options that several commands share, and the types of their values."""

from __future__ import annotations

from argparse import REMAINDER, Action, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from queuectl.commands.failures import UsageError
from queuectl.commands.grammar import short_usage
from queuectl.domain.errors import BadValue
from queuectl.domain.text import looks_like_json, quoted
from queuectl.domain.timing import parse_duration

ALL_FORMATS = ("table", "json", "jsonl", "csv", "ids")
OBJECT_FORMATS = ("table", "json", "jsonl", "csv")
MOST = 10**12  # of whatever can be counted
_MOST_DIGITS = 30  # more than any bound has, and few enough for a quick conversion


def whole_number(option: str, low: int, high: int = MOST) -> Callable[[str], int]:
    """The type of an option that takes an integer within bounds; raises `BadValue`."""
    wanted = f"an integer from {low} to {high}"

    def parse(text: str) -> int:
        number = as_integer(text)
        if not isinstance(number, int) or not low <= number <= high:
            raise BadValue(option, text, wanted)
        return number

    return parse


def as_integer(text: str) -> int | str:
    """The integer that is written as `text`, or the text where it is none."""
    plain = text.strip()
    digits = plain[1:] if plain[:1] in ("+", "-") else plain
    is_whole = digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
    return int(plain) if is_whole else text


def is_utf8(text: str) -> bool:
    """Whether `text` can be written as UTF-8: words of a process are bytes, and need not be."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def duration(option: str) -> Callable[[str], float]:
    """The type of an option that takes a duration, in seconds; raises `BadValue`."""
    return lambda text: parse_duration(text, option)


def add_format(parser: ArgumentParser, formats: Sequence[str] = ALL_FORMATS) -> None:
    """The option `--format`."""
    parser.add_argument(
        "--format", choices=formats, default="table", help="how to print (default: table)"
    )


def add_ids(parser: ArgumentParser, nargs: str = "+", help: str = "id of a job") -> Action:
    """Job ids as words."""
    action = parser.add_argument("ids", metavar="ID", nargs=nargs, help=help)
    return completed(action, "job")


def add_filters(parser: ArgumentParser) -> None:
    """The options that pick jobs by state, queue and tag."""
    add_state(parser)
    add_queue_and_tag(parser)


def add_state(parser: ArgumentParser) -> None:
    """The option `--state`."""
    action = parser.add_argument(
        "--state", action="append", default=[], metavar="STATE", help="only jobs in this state"
    )
    completed(action, "state")


def add_queue_and_tag(parser: ArgumentParser) -> None:
    """The options `--queue` and `--tag`."""
    for name in ("queue", "tag"):
        text = f"only jobs {'in' if name == 'queue' else 'with'} this {name}"
        action = parser.add_argument(
            f"--{name}", action="append", default=[], metavar=name.upper(), help=text
        )
        completed(action, name)


def add_page(parser: ArgumentParser) -> None:
    """The options `--limit`, `--offset` and `--all`."""
    limit, offset = whole_number("--limit", 0), whole_number("--offset", 0)
    parser.add_argument("--limit", type=limit, metavar="N", help="print at most N")
    parser.add_argument("--offset", type=offset, default=0, metavar="N", help="skip the first N")
    parser.add_argument("--all", action="store_true", help="print all, also in a table")


def completed(action: Action, kind: str) -> Action:
    """Say what the shell offers where `action` takes a word."""
    action.completes = kind  # type: ignore[attr-defined]
    return action


class JobWords(Action):
    """The words that say what to run; what follows `-` or JSON are options again.

    Keeps the words as they are, a leading `--` included, since it tells a program from a shell
    line. After any other first word everything belongs to the program.
    """

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        words = list(values or ())
        before = getattr(namespace, self.dest) or []
        if before and words:
            self._refuse(parser, before[0], words[0])
        if not words:
            setattr(namespace, self.dest, before)
        elif words[0] == "-" or looks_like_json(words[0]):
            setattr(namespace, self.dest, words[:1])
            parser.parse_args(words[1:], namespace)
        else:
            setattr(namespace, self.dest, words)

    def _refuse(self, parser: ArgumentParser, first: str, word: str) -> NoReturn:
        what = "-" if first == "-" else "the JSON"
        raise UsageError(f"unexpected word {quoted(word)} after {what}", short_usage(parser))


def add_job_words(parser: ArgumentParser) -> None:
    """The words of a job, as the last thing of a command."""
    action = parser.add_argument(
        "words", nargs=REMAINDER, action=JobWords, metavar="WORDS", help="what to run"
    )
    completed(action, "command")
