"""Bringing a schema up to date: numbered files, applied in order and never edited afterwards."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from queuectl.domain.errors import StoreDamaged
from queuectl.stores.sql.session import Session

_FOLDER = Path(__file__).parent.parent / "migrations"


class Migration(NamedTuple):
    """One step of a schema: `NNNN_name.sql`."""

    number: int
    name: str
    sql: str

    @property
    def hash(self) -> str:
        """What tells whether the file is the one that was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(dialect: str, folder: Path = _FOLDER) -> list[Migration]:
    """All steps of a dialect's schema, in order."""
    paths = sorted((folder / dialect).glob("[0-9]*_*.sql"))
    return [Migration(int(path.stem[:4]), path.stem, path.read_text("utf-8")) for path in paths]


def migrate(session: Session, place: str, steps: list[Migration]) -> None:
    """Apply the steps that the store at `place` lacks; raises `StoreDamaged` if one was edited.

    The caller holds the lock that keeps others from doing the same.
    """
    session.run(
        """
        CREATE TABLE IF NOT EXISTS migrations (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL,
            applied_at BIGINT NOT NULL
        )
        """
    )
    applied: dict[int, str] = dict(session.run("SELECT number, hash FROM migrations"))
    for step in steps:
        if step.number not in applied:
            list(session.run(step.sql))  # to the end of all its statements
            record = (step.number, step.name, step.hash, session.now)
            session.run("INSERT INTO migrations VALUES (?, ?, ?, ?)", record)
        elif applied[step.number] != step.hash:
            raise StoreDamaged(
                f"store {place}: it was made by another {step.name} than this queuectl has"
            )
