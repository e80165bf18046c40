"""The file of a store, opened as queuectl never would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

_PATIENCE = 60_000  # milliseconds


@contextmanager
def raw(path: str | Path) -> Iterator[apsw.Connection]:
    """A connection that waits for those who write meanwhile."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.set_busy_timeout(_PATIENCE)
        yield connection
