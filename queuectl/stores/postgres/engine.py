"""The PostgreSQL at the other end of a URL."""

from __future__ import annotations

import psycopg

from queuectl.stores.postgres.connection import NAMESPACE, SCHEMA
from queuectl.stores.upkeep import Engine

_OLDEST = 13
_TIMEOUT = 5  # seconds


def engine(url: str) -> Engine:
    """Name and version, with what is known against it."""
    try:
        with psycopg.connect(url, connect_timeout=_TIMEOUT) as connection:
            number = connection.info.server_version
    except psycopg.Error:
        return Engine("PostgreSQL", "unknown, for it does not answer", SCHEMA, None)
    flaw = f"before {_OLDEST} it lacks what a store needs" if number < _OLDEST * 10_000 else None
    return Engine("PostgreSQL", f"{number // 10_000}.{number % 10_000}", SCHEMA, flaw)


def may_exist(url: str) -> bool:
    """Whether the database has a store in it, or cannot be asked."""
    try:
        with psycopg.connect(url, connect_timeout=_TIMEOUT) as connection:
            found = connection.execute(f"SELECT to_regclass('{NAMESPACE}.migrations')").fetchone()
    except psycopg.Error:
        return True
    return found != (None,)
