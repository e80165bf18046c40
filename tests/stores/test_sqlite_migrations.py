"""How the schema of a SQLite store comes to be."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from queuectl.domain.errors import StoreDamaged, StoreTooNew
from queuectl.stores.sql import migrations as steps
from queuectl.stores.sql.migrations import Migration, migrations
from queuectl.stores.sqlite import SqliteStore
from queuectl.stores.sqlite import connection as opening
from tests.stores.scene import ALL, audit, spec

KNOWN, NEXT = opening.SCHEMA, opening.SCHEMA + 1
ADDED = Migration(
    NEXT, "9999_added", "CREATE TABLE added (number INTEGER); ALTER TABLE jobs ADD extra TEXT"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def with_steps(monkeypatch: pytest.MonkeyPatch, *known: Migration) -> None:
    """Let this program know other steps than it does."""
    monkeypatch.setattr(steps, "migrations", lambda dialect: list(known))
    monkeypatch.setattr(opening, "SCHEMA", known[-1].number)


def applied(path: Path) -> list[tuple[int, str, str]]:
    with closing(apsw.Connection(str(path))) as connection:
        return list(connection.execute("SELECT number, name, hash FROM migrations ORDER BY number"))


def test_steps_are_numbered_without_a_gap_and_the_last_is_the_one_known() -> None:
    numbers = [step.number for step in migrations("sqlite")]
    assert numbers == list(range(1, opening.SCHEMA + 1))


def test_a_new_store_has_all_steps_and_remembers_them(path: Path) -> None:
    SqliteStore(str(path)).close()
    assert applied(path) == [(s.number, s.name, s.hash) for s in migrations("sqlite")]


def test_an_old_store_gets_the_steps_that_it_lacks_and_keeps_its_jobs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(str(path)) as store:
        store.add([spec("job")])
    with_steps(monkeypatch, *migrations("sqlite"), ADDED)
    with SqliteStore(str(path)) as store:
        assert store.get("job").id == "job"
        audit(store)
    assert [number for number, _, _ in applied(path)] == list(range(1, NEXT + 1))


def test_a_program_that_knows_fewer_steps_refuses_the_store(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        with_steps(later, *migrations("sqlite"), ADDED)
        SqliteStore(str(path)).close()
    with pytest.raises(StoreTooNew, match=f"has schema {NEXT}, this queuectl knows {KNOWN}"):
        SqliteStore(str(path))


def test_a_store_made_by_an_edited_step_is_refused_and_left_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStore(str(path)).close()
    first, *others = migrations("sqlite")
    with_steps(monkeypatch, first._replace(sql=first.sql + "\n"), *others, ADDED)
    with pytest.raises(StoreDamaged, match="0001_first"):
        SqliteStore(str(path))
    assert len(applied(path)) == KNOWN


def test_a_step_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteStore(str(path)).close()
    with monkeypatch.context() as later:
        broken = ADDED._replace(sql=ADDED.sql + "; CREATE TABLE jobs (twice)")
        with_steps(later, *migrations("sqlite"), broken)
        with pytest.raises(StoreDamaged):
            SqliteStore(str(path))
    with SqliteStore(str(path)) as store:
        assert store.count(ALL) == 0
    assert len(applied(path)) == KNOWN


def test_a_store_that_is_current_needs_no_steps(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStore(str(path)).close()

    def unexpected(dialect: str) -> list[Migration]:
        raise AssertionError(dialect)

    monkeypatch.setattr(steps, "migrations", unexpected)
    SqliteStore(str(path)).close()
