"""What a check expects, and the reason it gives where that is not so."""

from __future__ import annotations


class CheckFailed(Exception):
    """A promise does not hold; the text says in one line what was found instead."""


class Abandoned(Exception):
    """Nobody wants the result any more; the check only has to clean up."""


def expect(holds: object, reason: str) -> None:
    """Raise `CheckFailed` with `reason`, unless `holds`."""
    if not holds:
        raise CheckFailed(reason)


def expect_same(what: str, found: object, wanted: object) -> None:
    """Raise `CheckFailed`, unless `found` equals `wanted`."""
    expect(found == wanted, f"{what}: found {found!r} instead of {wanted!r}")


def expect_text(what: str, text: str, *parts: str) -> None:
    """Raise `CheckFailed`, unless `text` has all of `parts` in it."""
    for part in parts:
        expect(part in text, f"{what}: {part!r} is not in {text!r}")
