"""Every test of the contract runs on every kind of store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from queuectl.stores.contract import Store
from queuectl.stores.postgres import PostgresStore
from queuectl.stores.sqlite import SqliteStore
from tests.stores.scene import FakeClock, Scene, StoreFactory, audit
from tests.support import postgres


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where the system has one, since most of the time would be fsync's."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir="/dev/shm", prefix="queuectl-") as name:
        yield Path(name)


@pytest.fixture(params=["sqlite", "postgres"])
def open_again(request: pytest.FixtureRequest, folder: Path, clock: FakeClock) -> StoreFactory:
    """Opens the one store of the test, each time by a connection of its own."""
    match request.param:
        case "sqlite":
            return lambda: SqliteStore(str(folder / "store.db"), clock)
        case "postgres":
            url = request.getfixturevalue("postgres_url")
            return lambda: PostgresStore(url, clock)
        case unknown:
            raise ValueError(unknown)


@pytest.fixture
def store(open_again: StoreFactory) -> Iterator[Store]:
    with open_again() as store:
        yield store
        audit(store)


@pytest.fixture
def scene(store: Store, clock: FakeClock) -> Scene:
    return Scene(store, clock)


@pytest.fixture
def new_url(folder: Path, request: pytest.FixtureRequest) -> str:
    """Where a store is made by whoever opens it first, of the kind that `open_again` opens."""
    if request.node.callspec.params["open_again"] == "sqlite":
        return f"sqlite://{folder / 'new.db'}"
    url: str = request.getfixturevalue("postgres_url")
    postgres.drop(url)
    return url
