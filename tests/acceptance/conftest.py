"""Homes beside each other, and backups of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.neighbours import LEASE
from tests.support.one_shot import OneShot


@pytest.fixture
def soon_missed(place: Installation) -> None:
    """Have supervisors of this queue given up after a `LEASE`."""
    place.queue.set("lease", str(LEASE))
    place.queue.set("heartbeat", "0.2")


@pytest.fixture
def neighbour(place: Installation, tmp_path: Path) -> Iterator[Installation]:
    """Another home on the same store."""
    other = Installation(tmp_path / "neighbour", place.queue.store.url)
    yield other
    other.close()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "queue.tar"


@pytest.fixture
def taken(place: Installation, backup: Path) -> Path:
    """A backup of one job."""
    backup.parent.mkdir()
    place.queue.enqueue("true", id="kept")
    place.ctl("backup", str(backup))
    return backup


@pytest.fixture
def other(tmp_path: Path) -> OneShot:
    return OneShot(tmp_path / "other")


@pytest.fixture
def home(tmp_path: Path) -> OneShot:
    """A home with one job that waits, and no process."""
    one_shot = OneShot(tmp_path / "home")
    one_shot("enqueue", "--id", "job", "true")
    return one_shot
