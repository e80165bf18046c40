"""The store in one SQLite file, as far as it differs from other dialects."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from queuectl.domain.errors import StoreDamaged
from queuectl.stores.sql.session import Session
from queuectl.stores.sql.store import SqlStore
from queuectl.stores.sqlite import copying
from queuectl.stores.sqlite.connection import connect
from queuectl.stores.sqlite.failures import failure, translated
from queuectl.stores.sqlite.session import Clock, transaction


def system_clock() -> int:
    """Microseconds by the wall clock of this host."""
    return time.time_ns() // 1000


class SqliteStore(SqlStore):
    """The store in the file at `path`; not for several threads at once, nor across a fork."""

    def __init__(self, path: str, clock: Clock = system_clock) -> None:
        self._path, self._clock = os.path.abspath(path), clock
        self._connection = connect(self._path, clock)
        self.url = f"sqlite://{self._path}"
        self.uuid = self._read_uuid()

    def close(self) -> None:
        with translated(self._path, self._connection):
            self._connection.close()

    def now(self) -> int:
        return self._clock()

    def data_version(self) -> int:
        with translated(self._path, self._connection):
            return int(self._connection.pragma("data_version"))

    def copy(self, path: str) -> None:
        copying.copy(self._connection, self._path, path)

    def load(self, path: str) -> None:
        copying.load(self._connection, self._path, path)
        self.uuid = self._read_uuid()

    def _damage(self) -> list[str]:
        with translated(self._path, self._connection):
            return copying.damage(self._connection)

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with (
            translated(self._path, self._connection),
            transaction(self._connection, "BEGIN", self._clock) as session,
        ):
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        # IMMEDIATE: a transaction that reads first and writes then fails where others write.
        with (
            translated(self._path, self._connection),
            transaction(self._connection, "BEGIN IMMEDIATE", self._clock) as session,
        ):
            yield session

    @contextmanager
    def _deleting(self) -> Iterator[Session]:
        # No index leads from a worker to its runs, so SQLite would walk through all runs for each
        # worker that is deleted, and nobody else could write meanwhile.
        self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 0)
        try:
            with self._writing() as session:
                yield session
        finally:
            self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1)

    def _read_uuid(self) -> str:
        with self._reading() as session:
            found = session.first("SELECT value FROM meta WHERE key = 'uuid'")
        if found is None:
            raise failure(StoreDamaged, self._path, "it has lost its uuid")
        return str(found[0])
