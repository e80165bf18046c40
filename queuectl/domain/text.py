"""Text that came from jobs or people: made visible, compared, told apart from JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable

# C0, DEL and C1 controls; the bidirectional overrides that reorder a terminal line; lone
# surrogates, which stand for bytes that were no UTF-8 and cannot be printed.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BLANK = " \t\n\r"  # what JSON and the shell call blank, not all that Unicode does
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e", "\x00": "\\0"}
_JSON_START = re.compile(r'\{(?:[^ \t\n\r]|\Z|[ \t\n\r]+["}])|\[[ \t\n\r]*(?:[{\]]|\Z)')
_SHOWN = 80
_LONGEST_NAME = 200
_LONGEST_PATH = 4096  # what Linux takes


def visible(text: str) -> str:
    """`text` on one line, with control characters and terminal escapes spelled out."""
    return _UNSAFE.sub(_spell, text)


def _spell(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a raw byte, as Python's surrogateescape keeps it
        return f"\\x{code - 0xDC00:02x}"
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def quoted(value: object, longest: int = _SHOWN) -> str:
    """`value` in quotes, made visible and cut to `longest` characters, to fit an error message."""
    shown = visible(value[: longest + 1] if isinstance(value, str) else _written(value))
    return "'" + (shown if len(shown) <= longest else shown[: longest - 3] + "...") + "'"


def quoted_path(path: str) -> str:
    """`path` in quotes and whole, for the end of a path says which file it is."""
    return quoted(path, _LONGEST_PATH)


def _written(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    try:
        return repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a deep nest
        return f"{type(value).__name__} that is too large to show"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was most likely meant to be, if any is close."""
    if len(name) > _LONGEST_NAME:
        return None
    import difflib  # only ever needed on the way to an error

    found = difflib.get_close_matches(name.lower().replace("-", "_"), list(known), 1, 0.6)
    return found[0] if found else None


def looks_like_json(word: str) -> bool:
    """Whether a job given as `word` is JSON (then broken JSON is an error) or a shell line."""
    return _JSON_START.match(word.lstrip(_BLANK)) is not None


def last_line(text: str) -> str | None:
    """The last line of `text` that is not blank, stripped, or None."""
    for line in reversed(text.splitlines()):
        if line.strip():
            return line.strip()
    return None
