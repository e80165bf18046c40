"""What the errors of PostgreSQL mean: the one place that knows them and the domain's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from queuectl.domain.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreUnreachable,
)
from queuectl.domain.secrets import masked_password
from queuectl.domain.text import visible

_LOCKED = "others kept it locked for too long"
_READ_ONLY = "it cannot be written: the server is read-only"
# The first that fits counts.
_MEANINGS: tuple[tuple[type[psycopg.Error], type[StoreError], str], ...] = (
    (errors.LockNotAvailable, StoreBusy, _LOCKED),
    (errors.QueryCanceled, StoreBusy, "the server took too long"),
    (errors.DeadlockDetected, StoreBusy, _LOCKED),
    (errors.TooManyConnections, StoreBusy, "the server has no connection left"),
    (errors.DiskFull, StoreFull, "no room is left for it"),
    (errors.ReadOnlySqlTransaction, StoreUnreachable, _READ_ONLY),
    (errors.InsufficientPrivilege, StoreUnreachable, ""),
    (errors.UndefinedTable, StoreDamaged, "it is damaged"),
    (errors.UndefinedColumn, StoreDamaged, "it is damaged"),
    (errors.DataCorrupted, StoreDamaged, "it is damaged"),
    (errors.IndexCorrupted, StoreDamaged, "it is damaged"),
    (psycopg.OperationalError, StoreUnreachable, ""),
)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Raises what psycopg raises inside as the `StoreError` that it means."""
    try:
        yield
    except psycopg.Error as error:
        raise _meaning(url, error) from error


def failure(kind: type[StoreError], url: str, reason: str) -> StoreError:
    """A failure of the store at that URL, in one line, without its password."""
    return kind(f"store {visible(masked_password(url))}: {reason}")


def _meaning(url: str, error: psycopg.Error) -> StoreError:
    said = _first_line(error)
    for kind, meaning, reason in _MEANINGS:
        if isinstance(error, kind):
            detailed = meaning is StoreDamaged
            return failure(meaning, url, f"{reason}: {said}" if detailed else reason or said)
    return failure(StoreError, url, said)


def _first_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return visible(lines[0]) if lines else type(error).__name__
