"""Homes beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.neighbours import LEASE


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
