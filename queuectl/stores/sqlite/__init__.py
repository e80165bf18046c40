"""The store in one SQLite file."""

from __future__ import annotations

from queuectl.stores.sqlite.engine import engine
from queuectl.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "engine"]
