"""Opening a connection to a store's database, and bringing its schema up to date."""

from __future__ import annotations

import psycopg

from queuectl.domain.errors import StoreTooNew
from queuectl.domain.secrets import masked_password
from queuectl.failpoints import reach
from queuectl.stores.postgres.failures import translated
from queuectl.stores.postgres.session import PostgresSession
from queuectl.stores.sql.migrations import migrate, migrations
from queuectl.stores.sql.session import Row

SCHEMA = 1  # the number of the last file in migrations/postgres
NAMESPACE = "queuectl"  # the schema, in PostgreSQL's sense, that all tables stand in
LOCK = 0x71636A71  # "qcjq": the class of all advisory locks
MIGRATING, WRITING = 1, 2  # what they lock
_PATIENCE = "30s"
_CONNECT_TIMEOUT = 10  # seconds for each address


def connect(url: str) -> psycopg.Connection[Row]:
    """A connection to the store at `url`, made or migrated where needed; raises `StoreError`."""
    with translated(url):
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name="queuectl",
            connect_timeout=_CONNECT_TIMEOUT,
        )
    try:
        with translated(url):
            if _schema_of(connection, url) < SCHEMA:
                _migrate(connection, url)
    except BaseException:
        connection.close()
        raise
    return connection


def begin(mode: str) -> str:
    """The start of a transaction, which finds the tables; nothing outlasts the transaction.

    So the store works through a pooler that gives each transaction a connection of its own.
    """
    return (
        f"BEGIN {mode}; SET LOCAL search_path = {NAMESPACE}; SET LOCAL lock_timeout = '{_PATIENCE}'"
    )


def now_of(connection: psycopg.Connection[Row]) -> int:
    """The instant by the clock of the database."""
    sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    ((instant,),) = connection.execute(sql).fetchall()
    return int(instant)


def _schema_of(connection: psycopg.Connection[Row], url: str) -> int:
    ((table,),) = connection.execute(f"SELECT to_regclass('{NAMESPACE}.migrations')").fetchall()
    if table is None:
        return 0
    sql = f"SELECT coalesce(max(number), 0) FROM {NAMESPACE}.migrations"
    ((schema,),) = connection.execute(sql).fetchall()
    if schema > SCHEMA:
        raise StoreTooNew(masked_password(url), schema, SCHEMA)
    return int(schema)


def _migrate(connection: psycopg.Connection[Row], url: str) -> None:
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({LOCK}, {MIGRATING})")
        if _schema_of(connection, url) == SCHEMA:  # somebody else was faster
            return
        reach("migrate: begun")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {NAMESPACE}")
        connection.execute(f"SET LOCAL search_path = {NAMESPACE}")
        session = PostgresSession(connection, now_of(connection))
        migrate(session, masked_password(url), migrations("postgres"))
        reach("migrate: written")
    reach("migrate: kept")
