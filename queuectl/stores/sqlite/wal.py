"""The write-ahead log: what is written goes there first, and from time to time into the file."""

from __future__ import annotations

import time
from contextlib import suppress

import apsw

from queuectl.domain.errors import StoreUnreachable
from queuectl.stores.sqlite.failures import failure
from queuectl.stores.sqlite.patience import Patience

MOST_KEPT = 64 * 1024 * 1024  # bytes left of a WAL that one large batch made larger
OFTEN = 1000  # pages after which what nobody needs any more is copied into the file
TOO_MANY = 4000  # pages from which on the WAL is to begin anew
_SHORT_NAP = 0.001
_NAPS = 20  # for as long readers are waited for, and all writers with them


def switch_to_wal(connection: apsw.Connection, path: str) -> None:
    """Have the store written by a WAL that stays small; raises `StoreUnreachable`."""
    _switch(connection, path)
    connection.pragma("journal_size_limit", MOST_KEPT)
    connection.set_wal_hook(_Checkpoints())


def _switch(connection: apsw.Connection, path: str) -> None:
    # A store is made without a WAL, so that its first bytes say at once what it is.
    patience = Patience()
    naps = 0
    while True:
        try:
            if connection.pragma("journal_mode", "wal") != "wal":
                raise failure(StoreUnreachable, path, "its file system cannot hold a WAL")
            return
        except apsw.BusyError:  # for this, SQLite does not ask the busy handler
            if not patience(naps):
                raise
            naps += 1


class _Checkpoints:
    """Called by SQLite after each commit, with the number of pages in the WAL.

    SQLite's own way copies pages only, and a WAL begins anew when nobody happens to read it. With
    many processes somebody always does: 16 of them made it 40 MiB in ten seconds. So from a
    size on, readers are waited for, though not for long: one that reads for minutes makes it grow.
    """

    def __init__(self) -> None:
        self._next = OFTEN

    def __call__(self, connection: apsw.Connection, name: str, pages: int) -> int:
        if pages < self._next:
            self._next = min(self._next, pages + OFTEN)  # it may have begun anew
            return apsw.SQLITE_OK
        self._next = pages + OFTEN
        with suppress(apsw.Error):  # what could not be copied now is copied later
            if pages < TOO_MANY:
                connection.wal_checkpoint(name, apsw.SQLITE_CHECKPOINT_PASSIVE)
            else:
                _begin_anew(connection, name)
                self._next = OFTEN
        return apsw.SQLITE_OK


def _begin_anew(connection: apsw.Connection, name: str) -> None:
    connection.set_busy_handler(_wait_shortly)
    try:
        connection.wal_checkpoint(name, apsw.SQLITE_CHECKPOINT_RESTART)
    finally:
        connection.set_busy_handler(Patience())


def _wait_shortly(naps: int) -> bool:
    time.sleep(_SHORT_NAP)
    return naps < _NAPS
