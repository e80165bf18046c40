"""The store in one SQLite file, as far as it differs from other dialects."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from queuectl.domain.errors import StoreDamaged, StoreError
from queuectl.stores.sql.session import Session
from queuectl.stores.sql.store import SqlStore
from queuectl.stores.sqlite.connection import connect, connect_alone
from queuectl.stores.sqlite.failures import failure, translated
from queuectl.stores.sqlite.session import Clock, transaction


def system_clock() -> int:
    """Microseconds by the wall clock of this host."""
    return time.time_ns() // 1000


class SqliteStore(SqlStore):
    """The store in the file at `path`; not for several threads at once, nor across a fork.

    On a disk that is read-only, or too full for what connections share, it can be read all the
    same: by a connection of its own for each time, until that is over.
    """

    def __init__(self, path: str, clock: Clock = system_clock) -> None:
        self._path, self._clock = os.path.abspath(path), clock
        self._connection: apsw.Connection | None = None
        self._looks = 1
        self.url = f"sqlite://{self._path}"
        self.uuid = self._read_uuid()

    def close(self) -> None:
        if self._connection is not None:
            with translated(self._path, self._connection):
                self._connection.close()

    def now(self) -> int:
        return self._clock()

    def data_version(self) -> int:
        try:
            connection = self._shared()
        except StoreError:
            self._looks += 1
            return -self._looks  # nobody knows: it may have changed
        with translated(self._path, connection):
            return int(connection.pragma("data_version"))

    def _shared(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = connect(self._path, self._clock)
        return self._connection

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        alone: apsw.Connection | None = None
        try:
            connection = self._shared()
        except StoreError as error:
            connection = alone = connect_alone(self._path, error)
        try:
            with (
                translated(self._path, connection),
                transaction(connection, "BEGIN", self._clock) as session,
            ):
                yield session
        finally:
            if alone is not None:
                alone.close()

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        # IMMEDIATE: a transaction that reads first and writes then fails where others write.
        connection = self._shared()
        with (
            translated(self._path, connection),
            transaction(connection, "BEGIN IMMEDIATE", self._clock) as session,
        ):
            yield session

    def _read_uuid(self) -> str:
        with self._reading() as session:
            found = session.first("SELECT value FROM meta WHERE key = 'uuid'")
        if found is None:
            raise failure(StoreDamaged, self._path, "it has lost its uuid")
        return str(found[0])
