"""What the doctor finds and mends, as tests ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from tests.support.database import raw
from tests.support.installation import Installation
from tests.support.one_shot import OneShot

Findings = dict[str, dict[str, Any]]


def examined(home: OneShot, *words: str, code: int = 0) -> Findings:
    """What the doctor finds wrong, by check, as JSON."""
    done = home.attempt("doctor", "--format", "json", *words)
    assert (done.code, done.err) == (code, ""), done
    return {one["check"]: one for one in done.json if one["status"] != "ok"}


def mended(home: OneShot, check: str) -> str:
    """Let the doctor mend a check, all of it and nothing else; what it did."""
    found = home.attempt("doctor", "--repair", "--format", "json")
    assert found.code == 0, found
    done = {one["check"]: one for one in found.json if one["status"] == "mended"}
    assert list(done) == [check]
    assert examined(home) == {}
    return str(done[check]["found"])


@contextmanager
def database(home: OneShot) -> Iterator[apsw.Connection]:
    with raw(home.home / "queue.db") as connection:
        yield connection


def as_one_shot(place: Installation) -> OneShot:
    place.queue.home.folder("output")
    return OneShot(place.path)
