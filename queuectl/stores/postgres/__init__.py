"""The store on PostgreSQL, for more than one host."""

from __future__ import annotations

from queuectl.stores.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
