"""Where jobs are kept: one contract, and the databases that fulfil it."""

from __future__ import annotations

import os

from queuectl.domain.errors import BadValue, StoreUnreachable
from queuectl.stores.contract import Store
from queuectl.stores.upkeep import Engine

_WITHOUT_PSYCOPG = "a store on PostgreSQL needs psycopg: pip install 'queuectl[postgres]'"


def open_store(url: str) -> Store:
    """The store at `url`, made or migrated where needed; raises `BadValue` or `StoreError`.

    Not to be used in a process forked from the one that opened it.
    """
    scheme, _, place = url.partition("://")
    match scheme:
        case "sqlite" if place.startswith("/"):
            from queuectl.stores.sqlite import SqliteStore

            return SqliteStore(place)
        case "postgresql" | "postgres":
            try:
                from queuectl.stores.postgres import PostgresStore
            except ImportError:
                raise StoreUnreachable(_WITHOUT_PSYCOPG) from None

            return PostgresStore(url)
        case _:
            raise _unknown(url)


def engine_of(url: str) -> Engine:
    """The database that a store at `url` needs, whether it can be opened or not; `BadValue`."""
    scheme, _, place = url.partition("://")
    match scheme:
        case "sqlite" if place.startswith("/"):
            from queuectl.stores.sqlite import engine

            return engine()
        case "postgresql" | "postgres":
            from queuectl.stores.postgres.engine import engine as engine_at

            return engine_at(url)
        case _:
            raise _unknown(url)


def file_of(url: str) -> str | None:
    """The file that the store at `url` is kept in, None for one that is no file."""
    scheme, _, place = url.partition("://")
    return place if scheme == "sqlite" and place.startswith("/") else None


def may_exist(url: str) -> bool:
    """Whether there is a store at `url`, or might be: one that cannot be looked for is not gone.

    Nothing is made.
    """
    place = file_of(url)
    if place is None:
        from queuectl.stores.postgres.engine import may_exist as may_exist_at

        return may_exist_at(url)
    try:
        os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _unknown(url: str) -> BadValue:
    from queuectl.domain.secrets import masked_password

    return BadValue("store", masked_password(url), "sqlite:///PATH or postgresql://HOST/DATABASE")
