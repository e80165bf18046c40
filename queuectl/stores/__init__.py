"""Where jobs are kept: one contract, and the databases that fulfil it."""

from __future__ import annotations

from queuectl.domain.errors import BadValue
from queuectl.stores.contract import Store
from queuectl.stores.upkeep import Engine


def open_store(url: str) -> Store:
    """The store at `url`, made or migrated where needed; raises `BadValue` or `StoreError`.

    Not to be used in a process forked from the one that opened it.
    """
    scheme, _, place = url.partition("://")
    match scheme:
        case "sqlite" if place.startswith("/"):
            from queuectl.stores.sqlite import SqliteStore

            return SqliteStore(place)
        case _:
            raise _unknown(url)


def engine_of(url: str) -> Engine:
    """The database that a store at `url` needs, whether it can be opened or not; `BadValue`."""
    scheme, _, place = url.partition("://")
    match scheme:
        case "sqlite" if place.startswith("/"):
            from queuectl.stores.sqlite import engine

            return engine()
        case _:
            raise _unknown(url)


def file_of(url: str) -> str | None:
    """The file that the store at `url` is kept in, None for one that is no file."""
    scheme, _, place = url.partition("://")
    return place if scheme == "sqlite" and place.startswith("/") else None


def _unknown(url: str) -> BadValue:
    from queuectl.domain.secrets import masked_password

    return BadValue("store", masked_password(url), "sqlite:///PATH")
