"""Splits a line into words as sh does, finds its `|` and `>`, and leaves JSON alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from queuectl.domain import strict_json
from queuectl.domain.errors import InvalidInput
from queuectl.domain.text import looks_like_json, quoted

# Possessive throughout: a quote that is not closed must not cost exponential time.
_QUOTED = r"""'[^']*+'|"(?:[^"\\]|\\.)*+"|\\.|\\\Z"""
_WORD = re.compile(rf"""(?:[^\s|>'"\\]|{_QUOTED})++""", re.DOTALL)
_PLAIN_WORD = re.compile(rf"""(?:[^\s'"\\]|{_QUOTED})++""", re.DOTALL)
_OPERATOR = re.compile(r"\|+|>[>&|]*")
_OPERATORS_OF_SH = ("&&", "&", ";", "<")
_BLANK = re.compile(r"\s*")
_END_OF_WORD = re.compile(r"[\s|>]|\Z")
_PART = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*+)"|\\(.?)|([^'"\\]+)""", re.DOTALL)
_ESCAPE = re.compile(r'\\([$`"\\\n])')


class BadSyntax(InvalidInput):
    """The line is none that the shell understands."""


class UnfinishedJson(Exception):
    """The line ends in the middle of a JSON value."""


class Word(NamedTuple):
    """A word as it stands in the line, from `start` to `end`; `text` is what it means."""

    start: int
    end: int
    raw: str
    text: str
    is_json: bool = False


class Operator(NamedTuple):
    """A `|`, `>` or the like that stands outside of quotes and of JSON."""

    start: int
    end: int
    raw: str


class JobGrammar:
    """Tells which words of a job may be JSON: those before a program begins.

    `takes_value` says of an option whether the next word belongs to it. With `is_whole` nothing
    more comes, so that unfinished JSON is just broken.
    """

    def __init__(self, takes_value: Callable[[str], bool], *, is_whole: bool = False) -> None:
        self._takes_value = takes_value
        self.is_whole = is_whole
        self._value_is_due = False
        self._program_began = False

    @property
    def wants_json(self) -> bool:
        """Whether the next word may be JSON."""
        return not (self._program_began or self._value_is_due)

    def passed(self, word: Word) -> None:
        """Take note of the word that was read."""
        if self._value_is_due:
            self._value_is_due = False
        elif not (word.is_json or word.text == "-"):
            is_option = word.text.startswith("-") and word.text != "--"
            self._program_began |= not is_option
            self._value_is_due = self.wants_json and self._takes_value(word.text)


def split(
    text: str, grammar: JobGrammar | None = None, *, operators: bool = True
) -> Iterator[Word | Operator]:
    """The words and operators of `text`; raises `BadSyntax` or `UnfinishedJson`.

    With a `grammar` a JSON value is one word, exactly as written. Without `operators`, `|` and
    `>` are characters like others.
    """
    position = _skip_blank(text, 0)
    while position < len(text):
        found = _OPERATOR.match(text, position) if operators else None
        if found:
            yield Operator(found.start(), found.end(), found.group())
            position = found.end()
        else:
            word = _read_word(text, position, grammar, _WORD if operators else _PLAIN_WORD)
            if grammar is not None:
                grammar.passed(word)
            yield word
            position = word.end
        position = _skip_blank(text, position)


def stray_operator(words: Iterable[Word]) -> Word | None:
    """The first word that sh would read as an operator, where it is one of a program's words."""
    for word in words:
        if word.raw == "--":
            return None
        if word.raw in _OPERATORS_OF_SH or (word.raw.endswith(";") and not word.is_json):
            return word
    return None


def unquote(raw: str) -> str:
    """What a word means once its quotes and backslashes have done their work, as in sh."""
    return "".join(map(_meaning, _PART.finditer(raw)))


def _read_word(text: str, start: int, grammar: JobGrammar | None, pattern: re.Pattern[str]) -> Word:
    if grammar and grammar.wants_json and _is_json(text, start):
        end = _end_of_json(text, start, grammar)
        return Word(start, end, text[start:end], text[start:end], is_json=True)
    found = pattern.match(text, start)
    end = found.end() if found else start
    if text[end : end + 1] in ("'", '"'):
        raise BadSyntax(f"a quote is not closed: {quoted(text[end:])}")
    return Word(start, end, text[start:end], unquote(text[start:end]))


def _is_json(text: str, start: int) -> bool:
    # Blanks at the end are cut: more may follow the brace on the next line.
    return text[start] in "{[" and looks_like_json(text[start:].rstrip())


def _end_of_json(text: str, start: int, grammar: JobGrammar) -> int:
    rest = text[start:]
    try:
        end = start + strict_json.cut(rest)[1]
    except strict_json.BadJson:
        if not grammar.is_whole and strict_json.is_incomplete(rest):
            raise UnfinishedJson from None
        return len(text)
    # What sticks to the value, or is broken, goes on as one word: its reader says what is wrong.
    return end if _END_OF_WORD.match(text, end) else len(text)


def _skip_blank(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position


def _meaning(part: re.Match[str]) -> str:
    single, double, escaped, plain = part.groups()
    if double is not None:
        return _ESCAPE.sub(lambda escape: escape.group(1).removeprefix("\n"), double)
    if escaped is not None:
        # A newline behind a backslash is gone; a backslash at the very end stays.
        return escaped.removeprefix("\n") if escaped else "\\"
    return str(single if single is not None else plain)
