"""The PostgreSQL that runs here, if any, and databases in it for one test process each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psycopg
import pytest

SERVER = os.environ.get("POSTGRES_SERVER", "postgresql://root@127.0.0.1:5432")
_TABLES = "jobs, runs, changes, outputs, tallies, settings, workers, supervisors"


@cache
def why_not() -> str | None:
    """Why no test can use it, None if they can."""
    try:
        psycopg.connect(f"{SERVER}/postgres", connect_timeout=5).close()
    except psycopg.Error:
        return f"no PostgreSQL answers at {SERVER}"
    return None


@contextmanager
def new_database() -> Iterator[str]:
    """The URL of a new database, which is dropped in the end; skips where there is no server."""
    if reason := why_not():
        pytest.skip(reason)
    name = f"queuectl_test_{os.getpid()}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        # Most of the time would be fsync's; what survives a loss of power is the server's matter.
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        try:
            yield f"{SERVER}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def empty(url: str) -> None:
    """Leave a store as it is when it is new, which is faster than to make it anew."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('queuectl.jobs')").fetchone() == (None,):
            return
        connection.execute(
            f"""
            SET search_path = queuectl;
            SET session_replication_role = replica;
            {"".join(f"DELETE FROM {table.strip()};" for table in _TABLES.split(","))}
            DELETE FROM meta WHERE key <> 'uuid';
            SELECT setval('job_rows', 1, false);
            """
        )


def drop(url: str) -> None:
    """Leave a database as it is without a store."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS queuectl CASCADE")
