"""The store in one SQLite file, as far as it differs from other dialects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import apsw

from queuectl.domain.errors import StoreDamaged, StoreError
from queuectl.failpoints import reach
from queuectl.stores.sql.session import Session
from queuectl.stores.sql.store import SqlStore
from queuectl.stores.sqlite import copying
from queuectl.stores.sqlite.clock import SYSTEM_CLOCK, Clock
from queuectl.stores.sqlite.connection import connect, connect_alone
from queuectl.stores.sqlite.failures import failure, translated
from queuectl.stores.sqlite.file import writer
from queuectl.stores.sqlite.following import Follower
from queuectl.stores.sqlite.session import transaction


class SqliteStore(SqlStore):
    """The store in the file at `path`; not for several threads at once, nor across a fork.

    On a disk that is read-only, or too full for what connections share, it can be read all the
    same: by a connection of its own for each time, until that is over.
    """

    def __init__(self, path: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path, self._clock = os.path.abspath(path), clock
        self._connection: apsw.Connection | None = None
        self._looks = 1
        self.url = f"sqlite://{self._path}"
        self._follower = Follower(clock, None)
        noted = self._read_meta()
        self._follower = Follower(clock, noted.get("clock"))
        self.uuid = noted["uuid"]

    def close(self) -> None:
        if self._connection is not None:
            with translated(self._path, self._connection):
                self._connection.close()

    def now(self) -> int:
        return self._clock()

    def blocker(self) -> int | None:
        return writer(self._path)

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

    def copy(self, path: str) -> None:
        copying.copy(self._shared(), self._path, path)

    def load(self, path: str) -> None:
        copying.load(self._shared(), self._path, path)
        self.uuid = self._read_meta()["uuid"]

    def _damage(self) -> list[str]:
        connection = self._shared()
        with translated(self._path, connection):
            return copying.damage(connection)

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        if self._follower.is_behind():
            # What is not to be written now can be read nevertheless.
            with suppress(StoreError), self._writing("promote"):
                pass
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
    def _writing(self, deed: str) -> Iterator[Session]:
        # IMMEDIATE: a transaction that reads first and writes then fails where others write.
        connection = self._shared()
        with (
            translated(self._path, connection),
            transaction(connection, "BEGIN IMMEDIATE", self._clock) as session,
        ):
            reach(f"{deed}: begun")
            self._follower.follow(session)
            yield session
            reach(f"{deed}: written")
        reach(f"{deed}: kept")

    @contextmanager
    def _deleting(self, deed: str) -> Iterator[Session]:
        # No index leads from a worker to its runs, so SQLite would walk through all runs for each
        # worker that is deleted, and nobody else could write meanwhile.
        connection = self._shared()
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 0)
        try:
            with self._writing(deed) as session:
                yield session
        finally:
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1)

    def _read_meta(self) -> dict[str, str]:
        with self._reading() as session:
            noted: dict[str, str] = dict(session.run("SELECT key, value FROM meta"))
        if "uuid" not in noted:
            raise failure(StoreDamaged, self._path, "it has lost its uuid")
        return noted
