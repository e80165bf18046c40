"""One transaction on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count as counting

import apsw

from queuectl.stores.sql.session import Bindings, Row, Session
from queuectl.stores.sqlite import following
from queuectl.stores.sqlite.clock import Clock


class SqliteSession(Session):
    """A transaction on a connection, which keeps the statements it has prepared."""

    binary = "COLLATE BINARY"

    def __init__(self, connection: apsw.Connection, now: int) -> None:
        super().__init__(now)
        self._connection = connection

    def run(self, sql: str, bindings: Bindings = ()) -> Iterator[Row]:
        return self._connection.execute(sql, bindings)

    def run_each(self, sql: str, many: Iterable[Bindings]) -> Iterator[Row]:
        return self._connection.executemany(sql, many)

    def change(self, sql: str, bindings: Bindings = ()) -> int:
        self._connection.execute(sql, bindings)
        return self._connection.changes()

    def new_job_rows(self, count: int | None) -> Iterator[int]:
        # The transaction holds the only write lock, so nobody else takes a row.
        return counting(self.last_job_row() + 1)

    def last_job_row(self) -> int:
        last = self.first("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'")
        return int(last[0]) if last else 0

    def certainly_before(self, age: int) -> int:
        return following.certainly_before(self, age)

    def skip_job_rows(self, last: int) -> None:
        if last > self.last_job_row():
            self.run("DELETE FROM sqlite_sequence WHERE name = 'jobs'")
            self.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('jobs', ?)", (last,))


@contextmanager
def transaction(connection: apsw.Connection, begin: str, clock: Clock) -> Iterator[SqliteSession]:
    """A transaction that is committed, or rolled back where anything is raised."""
    connection.execute(begin)
    try:
        # The clock is read after the wait for the lock.
        session = SqliteSession(connection, clock())
        yield session
        session.settle()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
