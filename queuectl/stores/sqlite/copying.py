"""Whole copies of a store's file, taken and loaded while others use it."""

from __future__ import annotations

from contextlib import closing

import apsw

from queuectl.domain.errors import StoreDamaged
from queuectl.stores.sqlite.failures import failure, system_failure, translated

_PAGES = 2048  # copied between two moments at which a Ctrl-C is heard
_MOST_TOLD = 10
# Where the file says whether it is written and read by a WAL, and how it says that it is not.
_VERSIONS, _WITHOUT_WAL = 18, b"\x01\x01"


def copy(connection: apsw.Connection, path: str, target: str) -> None:
    """Copy the store at `path` into the file `target`, as it is now."""
    with translated(target), closing(apsw.Connection(target)) as copied:
        # Nothing of it counts before it is whole, and then its maker flushes it.
        copied.pragma("synchronous", "OFF")
        copied.pragma("journal_mode", "OFF")
        with translated(path, connection):
            # Held open, the transaction keeps its view of the store: without it the copying
            # begins anew whenever another process commits, and never ends under load.
            connection.execute("BEGIN")
            try:
                list(connection.execute("SELECT count(*) FROM meta"))
                with translated(target, copied):
                    _copy_pages(copied, connection)
            finally:
                connection.execute("ROLLBACK")
    _leave_wal(target)
    with translated(target), closing(apsw.Connection(target)) as copied:
        found = _findings(copied, "quick_check")
    if found:
        raise failure(StoreDamaged, path, f"it is damaged: {found[0]}")


def _leave_wal(target: str) -> None:
    # By SQLite's own means this would make companions for a moment, which a kill leaves behind.
    try:
        with open(target, "r+b") as file:
            file.seek(_VERSIONS)
            file.write(_WITHOUT_WAL)
    except OSError as error:
        raise system_failure(target, error) from error


def load(connection: apsw.Connection, path: str, source: str) -> None:
    """Replace what the store at `path` holds by the content of the file `source`."""
    with (
        translated(source),
        closing(apsw.Connection(source, flags=apsw.SQLITE_OPEN_READWRITE)) as copied,
        translated(path, connection),
        connection.backup("main", copied, "main") as loading,
    ):
        loading.step(-1)


def damage(connection: apsw.Connection) -> list[str]:
    """What SQLite finds wrong with the structure of its file."""
    return _findings(connection, "integrity_check")


def _copy_pages(copied: apsw.Connection, connection: apsw.Connection) -> None:
    with copied.backup("main", connection, "main") as copying:
        while not copying.done:
            copying.step(_PAGES)


def _findings(connection: apsw.Connection, check: str) -> list[str]:
    try:
        rows = [str(text) for (text,) in connection.execute(f"PRAGMA {check}({_MOST_TOLD})")]
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return [str(error)]
    return [line for text in rows for line in text.splitlines() if line != "ok"][:_MOST_TOLD]
