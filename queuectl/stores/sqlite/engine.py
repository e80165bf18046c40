"""The SQLite that runs here."""

from __future__ import annotations

import apsw

from queuectl.stores.sqlite.connection import SCHEMA
from queuectl.stores.upkeep import Engine

_SOUND = (3, 51, 3)  # before, two connections that write a WAL database at once can damage it


def engine() -> Engine:
    """Name and version, with what is known against it."""
    version = apsw.sqlite_lib_version()
    sound = tuple(int(part) for part in version.split(".")[:3]) >= _SOUND
    wanted = ".".join(map(str, _SOUND))
    flaw = f"before {wanted} it can damage a store that several processes write"
    return Engine("SQLite", version, SCHEMA, None if sound else flaw)
