"""The store in one PostgreSQL database, as far as it differs from other dialects.

Turns of several supervisors run at once: each claims what no other has locked, and ends only what
it holds. Whatever a person does to many jobs is alone meanwhile, as on SQLite. So nobody waits for
rows in two orders, and there are no deadlocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import errors

from queuectl.domain.errors import StoreDamaged, StoreError
from queuectl.domain.job import JobSpec
from queuectl.failpoints import reach
from queuectl.stores.exchange import Added
from queuectl.stores.postgres.connection import LOCK, WRITING, begin, connect, now_of
from queuectl.stores.postgres.failures import failure, translated
from queuectl.stores.postgres.session import PostgresSession
from queuectl.stores.sql.session import Row, Session
from queuectl.stores.sql.store import SqlStore

# Deeds that leave alone what others may be at, so that many can be done at once.
_TOGETHER = frozenset(("enqueue", "turn", "promote", "beat", "set worker", "set"))
_READ = begin("ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_WRITE = begin("ISOLATION LEVEL READ COMMITTED, READ WRITE")


class PostgresStore(SqlStore):
    """The store in the database at `url`; not for several threads at once, nor across a fork.

    Instants are those of `clock`, which is the database's own but in tests. A connection that was
    lost is made anew by the next deed.
    """

    def __init__(self, url: str, clock: Callable[[], int] | None = None) -> None:
        self.url, self._clock = url, clock
        self._connection: psycopg.Connection[Row] | None = None
        self._is_closed = False
        try:
            with self._reading() as session:
                found = session.first("SELECT value FROM meta WHERE key = 'uuid'")
            if found is None:
                raise failure(StoreDamaged, url, "it has lost its uuid")
        except BaseException:
            self.close()
            raise
        self.uuid = str(found[0])

    def close(self) -> None:
        self._is_closed = True
        if self._connection is not None:
            self._connection.close()

    def now(self) -> int:
        connection = self._connected()
        with translated(self.url):
            return self._now(connection)

    def add(self, specs: Iterable[JobSpec], *, skip_taken: bool = False) -> Added:
        batch = specs if isinstance(specs, (list, tuple)) else list(specs)
        while True:
            # Who took the same id at the same moment is seen the next time.
            with suppress(_IdTakenMeanwhile):
                return super().add(batch, skip_taken=skip_taken)

    def blocker(self) -> int | None:
        return None  # it may be on any host

    def data_version(self) -> int:
        connection = self._connected()
        with translated(self.url):
            ((snapshot,),) = connection.execute(
                "SELECT CAST(pg_current_snapshot() AS TEXT)"
            ).fetchall()
        return hash(snapshot)

    def copy(self, path: str) -> None:
        raise failure(StoreError, self.url, "it is backed up by pg_dump")

    def load(self, path: str) -> None:
        raise failure(StoreError, self.url, "it is restored by pg_restore")

    def _damage(self) -> list[str]:
        return []  # what the server finds wrong it says in its log

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._transaction(_READ) as session:
            yield session

    @contextmanager
    def _writing(self, deed: str) -> Iterator[Session]:
        shared = "_shared" if deed in _TOGETHER else ""
        lock = f"SELECT pg_advisory_xact_lock{shared}({LOCK}, {WRITING})"
        with self._transaction(f"{_WRITE}; {lock}") as session:
            reach(f"{deed}: begun")
            yield session
            session.settle()
            reach(f"{deed}: written")
        reach(f"{deed}: kept")

    @contextmanager
    def _transaction(self, start: str) -> Iterator[Session]:
        connection = self._connected()
        with translated(self.url):
            try:
                connection.execute(start)
                yield PostgresSession(connection, self._now(connection))
                connection.execute("COMMIT")
            except errors.UniqueViolation as error:
                if error.diag.constraint_name == "jobs_by_name":
                    raise _IdTakenMeanwhile from error
                raise
            finally:
                self._leave(connection)

    def _leave(self, connection: psycopg.Connection[Row]) -> None:
        """Roll back what was not committed; a connection that cannot do that is of no more use."""
        if connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
            return
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()

    def _connected(self) -> psycopg.Connection[Row]:
        if self._is_closed:
            raise failure(StoreError, self.url, "it has been closed")
        if self._connection is None or self._connection.closed:
            self._connection = connect(self.url)
        return self._connection

    def _now(self, connection: psycopg.Connection[Row]) -> int:
        return self._clock() if self._clock is not None else now_of(connection)


class _IdTakenMeanwhile(Exception):
    """Somebody else enqueued a job of the same id between the look for it and the insertion."""
