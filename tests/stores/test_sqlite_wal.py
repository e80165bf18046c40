"""The write-ahead log begins anew, though somebody always reads; one that reads on stops nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from queuectl.stores.sqlite import SqliteStore
from queuectl.stores.sqlite.wal import OFTEN, TOO_MANY
from tests.stores.scene import ALL, spec

PAGE = 4096
FILLS_PAGES = "true " + "x" * (100 * PAGE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(str(tmp_path / "store.db")) as store:
        yield store


def pages(store: SqliteStore) -> int:
    """How many pages the log has room for."""
    return Path(store.url.removeprefix("sqlite://") + "-wal").stat().st_size // PAGE


def add(store: SqliteStore, count: int) -> None:
    """Have so many pages written, at least."""
    for _ in range(count // 100 + 1):
        store.add([spec(command=FILLS_PAGES)])


def test_one_that_reads_for_long_delays_nobody_and_the_log_begins_anew_afterwards(
    store: SqliteStore,
) -> None:
    with closing(apsw.Connection(store.url.removeprefix("sqlite://"))) as reader:
        with reader:
            assert reader.execute("SELECT count(*) FROM jobs").get == 0
            add(store, 2 * TOO_MANY)
            assert pages(store) >= 2 * TOO_MANY
            assert reader.execute("SELECT count(*) FROM jobs").get == 0
        add(store, 2 * OFTEN)
        largest = pages(store)
        for _ in range(4):
            add(store, TOO_MANY)
            assert pages(store) == largest
    assert store.count(ALL) == sum(store.tallies().values()) == 81 + 21 + 4 * 41


def test_without_readers_the_log_stays_at_its_first_size(store: SqliteStore) -> None:
    for _ in range(4):
        add(store, TOO_MANY)
        assert pages(store) < 2 * OFTEN
