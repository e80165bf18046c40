"""What the doctor finds."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple


class Verdict(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"  # nothing is broken; a person should know, or it can be tidied up
    PROBLEM = "problem"  # has to be mended
    MENDED = "mended"

    @property
    def mark(self) -> str:
        """The sign before a line."""
        return _MARKS[self]


_MARKS = {Verdict.OK: "✓", Verdict.WARNING: "!", Verdict.PROBLEM: "✗", Verdict.MENDED: "✓"}


class Finding(NamedTuple):
    """One thing that was looked at: `found` says how it is, `advice` what a person can do.

    `mend` puts it right and says what it did; raises `QueuectlError` or `OSError`.
    """

    check: str
    verdict: Verdict
    found: str
    advice: str | None = None
    mend: Callable[[], str] | None = None

    def as_record(self) -> dict[str, Any]:
        """The finding with the field names of its JSON form."""
        return {
            "check": self.check,
            "status": str(self.verdict),
            "found": self.found,
            "advice": self.advice,
            "mendable": self.mend is not None,
        }


def fine(check: str, found: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, Verdict.OK, found)


def warning(check: str, found: str, advice: str, mend: Callable[[], str] | None = None) -> Finding:
    """Something a person should know."""
    return Finding(check, Verdict.WARNING, found, advice, mend)


def problem(check: str, found: str, advice: str, mend: Callable[[], str] | None = None) -> Finding:
    """Something that has to be mended."""
    return Finding(check, Verdict.PROBLEM, found, advice, mend)


BY_REPAIR = "doctor --repair mends it"
MOST_NAMED = 5


def some(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
