"""What the errors of SQLite mean: the one place that knows them and the domain's."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from queuectl.domain.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreUnreachable,
)
from queuectl.domain.text import visible

_LOCKED = "others kept it locked for too long"
_MEANINGS: dict[type[apsw.Error], tuple[type[StoreError], str]] = {
    apsw.BusyError: (StoreBusy, _LOCKED),
    apsw.LockedError: (StoreBusy, _LOCKED),
    apsw.ProtocolError: (StoreBusy, _LOCKED),
    apsw.FullError: (StoreFull, "no room is left for it"),
    apsw.CorruptError: (StoreDamaged, "it is damaged"),
    apsw.NotADBError: (StoreDamaged, "it is damaged"),
    apsw.SQLError: (StoreDamaged, "it is damaged"),
    apsw.CantOpenError: (StoreUnreachable, "it cannot be opened"),
    apsw.PermissionsError: (StoreUnreachable, "it cannot be opened"),
    apsw.ReadOnlyError: (StoreUnreachable, "it cannot be written"),
    apsw.IOError: (StoreUnreachable, "it cannot be read or written"),
    apsw.ConnectionClosedError: (StoreError, "it has been closed"),
}


@contextmanager
def translated(path: str, connection: apsw.Connection | None = None) -> Iterator[None]:
    """Raises what SQLite raises inside as the `StoreError` that it means."""
    try:
        yield
    except apsw.Error as error:
        raise _meaning(path, error, connection) from error


def failure(kind: type[StoreError], path: str, reason: str) -> StoreError:
    """A failure of the store in that file, in one line."""
    return kind(f"store {visible(path)}: {reason}")


def system_failure(path: str, error: OSError) -> StoreError:
    """The failure that an error of the operating system means."""
    kind = StoreFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreUnreachable
    return failure(kind, path, error.strerror or str(error))


def _is_read_only(path: str) -> bool:
    try:
        return bool(os.statvfs(os.path.dirname(path)).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _meaning(path: str, error: apsw.Error, connection: apsw.Connection | None) -> StoreError:
    kind, reason = _MEANINGS.get(type(error), (StoreError, str(error)))
    if kind is StoreDamaged:
        reason = f"{reason}: {error}"
    if kind is StoreUnreachable and _is_read_only(path):
        return failure(kind, path, f"{reason}: its disk is read-only")
    if kind is StoreUnreachable and connection is not None and connection.system_errno:
        cause = connection.system_errno
        return system_failure(path, OSError(cause, f"{reason}: {os.strerror(cause)}"))
    return failure(kind, path, reason)
