"""One transaction on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, LiteralString

import psycopg

from queuectl.stores.sql.session import Bindings, Row, Session

_FIRST_BLOCK, _LARGEST_BLOCK = 16, 10_000


class PostgresSession(Session):
    """A transaction on a connection, whose statements the server prepares once they repeat."""

    binary = 'COLLATE "C"'
    for_update = "FOR UPDATE"
    skip_locked = "FOR UPDATE SKIP LOCKED"

    def __init__(self, connection: psycopg.Connection[Row], now: int) -> None:
        super().__init__(now)
        self._connection = connection

    def run(self, sql: str, bindings: Bindings = ()) -> Iterator[Row]:
        cursor = self._execute(sql, bindings)
        return iter(cursor.fetchall()) if cursor.description else iter(())

    def run_each(self, sql: str, many: Iterable[Bindings]) -> Iterator[Row]:
        gives_rows = "RETURNING" in sql or sql.lstrip().startswith("SELECT")
        with self._connection.cursor() as cursor:
            records = [list(map(_storable, bindings)) for bindings in many]
            cursor.executemany(_statement(sql), records, returning=gives_rows)
            found: list[Row] = []
            if gives_rows and records:
                found += cursor.fetchall()
                while cursor.nextset():
                    found += cursor.fetchall()
        return iter(found)

    def change(self, sql: str, bindings: Bindings = ()) -> int:
        return self._execute(sql, bindings).rowcount

    def new_job_rows(self, count: int | None) -> Iterator[int]:
        # What others take meanwhile stands between; what is left of a block is never used.
        block = _FIRST_BLOCK if count is None else count
        while True:
            taken = self.run(
                "SELECT nextval('job_rows') FROM generate_series(1, CAST(? AS BIGINT))",
                (max(1, min(block, _LARGEST_BLOCK)),),
            )
            for (row,) in taken:
                yield row
                block -= 1
            block = block if block > 0 else _FIRST_BLOCK

    def last_job_row(self) -> int:
        found = self.first("SELECT last_value, is_called FROM job_rows")
        return int(found[0]) if found and found[1] else 0

    def skip_job_rows(self, last: int) -> None:
        if last > self.last_job_row():
            self.run("SELECT setval('job_rows', ?)", (last,))

    def _execute(self, sql: str, bindings: Bindings) -> psycopg.Cursor[Row]:
        # Without bindings there may be several statements in one.
        if not bindings:
            return self._connection.execute(_literal(sql))
        return self._connection.execute(_statement(sql), list(map(_storable, bindings)))


@lru_cache(maxsize=1024)
def _statement(sql: str) -> LiteralString:
    """The statement as psycopg wants its places marked."""
    return _literal(sql.replace("%", "%%").replace("?", "%s"))


def _literal(sql: Any) -> LiteralString:
    """What psycopg takes for written by us, as all of it is."""
    literal: LiteralString = sql
    return literal


def _storable(value: Any) -> Any:
    """`value` without the one character that PostgreSQL has no place for in a text."""
    return value.replace("\0", "\N{SYMBOL FOR NULL}") if isinstance(value, str) else value
