"""Where jobs are kept: one contract, and the databases that fulfil it."""

from __future__ import annotations

from queuectl.domain.errors import BadValue
from queuectl.stores.contract import Store


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
            from queuectl.domain.secrets import masked_password

            raise BadValue("store", masked_password(url), "sqlite:///PATH")
