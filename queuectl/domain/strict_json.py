"""JSON without the laxness of the standard decoder: no NaN, no duplicate keys."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from queuectl.domain.errors import InvalidInput
from queuectl.domain.text import quoted

_BLANK = " \t\n\r"
# What may be missing where a text breaks off inside `true`, `false`, `null`, a number or `\u12ab`.
_ENDS_OF_TOKENS = (
    *("rue", "ue", "e", "alse", "lse", "se", "ull", "ll", "l"),
    *("0", "00", "000", "0000", "00000"),  # the decoder wants one more behind an escape
)


class BadJson(InvalidInput):
    """The text is not one JSON value; `unfinished` where more text could make it one."""

    def __init__(self, message: str, *, unfinished: bool = False) -> None:
        self.unfinished = unfinished
        super().__init__(f"invalid JSON: {message}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise BadJson(f"the key {quoted(twice)} stands twice in one object")
    return mapping


def _refuse(constant: str) -> Any:
    raise BadJson(f"{constant} is not a JSON number")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)


def cut(text: str) -> tuple[Any, int]:
    """The first JSON value of `text` and the index behind it; raises `BadJson`."""
    start = len(text) - len(text.lstrip(_BLANK))
    try:
        return _decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise BadJson(_explain(text, error), unfinished=_breaks_off(text, error)) from None
    except RecursionError:
        raise BadJson("nested too deeply") from None
    except ValueError:  # Python converts no integer of thousands of digits
        raise BadJson("a number has too many digits") from None


def loads(text: str) -> Any:
    """The one JSON value that `text` consists of; raises `BadJson`."""
    value, end = cut(text)
    rest = text[end:].lstrip(_BLANK)
    if rest:
        raise BadJson(f"something follows the value at {_place(text, len(text) - len(rest))}")
    return value


def is_incomplete(text: str) -> bool:
    """Whether `text` is no JSON yet, but could become it by writing more behind it."""
    try:
        cut(text)
    except BadJson as error:
        return error.unfinished or any(_is_beginning(text + end) for end in _ENDS_OF_TOKENS)
    return False


def _is_beginning(text: str) -> bool:
    try:
        cut(text)
    except BadJson as error:
        return error.unfinished
    return True


def _breaks_off(text: str, error: json.JSONDecodeError) -> bool:
    if error.msg.startswith("Expecting"):
        return error.pos >= len(text.rstrip(_BLANK))
    return error.msg.startswith("Unterminated string")


def _explain(text: str, error: json.JSONDecodeError) -> str:
    return f"{error.msg.removesuffix(' at')} at {_place(text, error.pos)}"


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line} column {column}" if "\n" in text else f"column {column}"
