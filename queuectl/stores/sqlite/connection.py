"""Opening a connection to a store's file, and bringing its schema up to date."""

from __future__ import annotations

import apsw

from queuectl.domain.errors import StoreError, StoreFull, StoreTooNew
from queuectl.failpoints import reach
from queuectl.stores.sqlite.clock import Clock
from queuectl.stores.sqlite.failures import translated
from queuectl.stores.sqlite.file import (
    APPLICATION_ID,
    has_wal,
    immutable,
    is_read_only,
    prepare_file,
)
from queuectl.stores.sqlite.patience import Patience
from queuectl.stores.sqlite.session import transaction
from queuectl.stores.sqlite.wal import switch_to_wal

SCHEMA = 2  # the number of the last file in migrations/sqlite


def connect(path: str, clock: Clock) -> apsw.Connection:
    """A connection to the store at `path`, made or migrated where needed; raises `StoreError`."""
    prepare_file(path)
    with translated(path):
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        with translated(path, connection):
            connection.set_busy_handler(Patience())
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1)
            # Plans depend on the text of a statement only, so that none is prepared again when
            # other values are bound to it: finding a job to claim takes 2 µs instead of 10.
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
            if _is_outdated(connection, path):
                _migrate(connection, path, clock)
            switch_to_wal(connection, path)
            connection.pragma("synchronous", "FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_alone(path: str, cause: StoreError) -> apsw.Connection:
    """A connection that only reads, where `cause` kept `connect` from working.

    It needs no file for an index of the WAL, for which a full disk has no room: it keeps all
    others away meanwhile. On a read-only disk there are none. Raises `cause` where that is no
    way out.
    """
    if is_read_only(path) and not has_wal(path):
        name, flags = immutable(path), apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    elif isinstance(cause, StoreFull):
        name, flags = path, apsw.SQLITE_OPEN_READWRITE
    else:
        raise cause
    with translated(path):
        connection = apsw.Connection(name, flags=flags)
    try:
        with translated(path, connection):
            connection.set_busy_handler(Patience())
            connection.pragma("locking_mode", "exclusive")
            connection.pragma("query_only", 1)
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            if _is_outdated(connection, path):
                raise cause
    except BaseException:
        connection.close()
        raise
    return connection


def _is_outdated(connection: apsw.Connection, path: str) -> bool:
    schema = connection.pragma("user_version")
    if schema > SCHEMA:
        raise StoreTooNew(path, schema, SCHEMA)
    return bool(schema < SCHEMA)


def _migrate(connection: apsw.Connection, path: str, clock: Clock) -> None:
    # Needed once in the life of a store, and takes 3 ms to import.
    from queuectl.stores.sql.migrations import migrate, migrations

    with transaction(connection, "BEGIN IMMEDIATE", clock) as session:
        if _is_outdated(connection, path):  # nobody else was faster
            reach("migrate: begun")
            migrate(session, path, migrations("sqlite"))
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", SCHEMA)
            reach("migrate: written")
    reach("migrate: kept")
