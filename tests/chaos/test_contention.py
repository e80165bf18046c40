"""Many processes write to one store at the same time: none fails, none starves."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import pytest

from queuectl.domain.lifecycle import State
from queuectl.stores import open_store
from queuectl.stores.sqlite.wal import TOO_MANY
from tests.stores.racing import contend, race
from tests.stores.scene import ALL, audit

SECONDS = float(os.environ.get("QUEUECTL_CHAOS_SECONDS", "10"))
PROCESSES = 16
LARGEST_LOG = 2 * TOO_MANY * 4096


@pytest.mark.timeout(SECONDS + 240)
def test_sixteen_processes_get_their_turns_and_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    log = tmp_path / "store.db-wal"
    sizes: list[int] = []

    def watch_the_log() -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            sizes.append(log.stat().st_size)
            time.sleep(0.05)

    with open_store(f"sqlite://{path}") as store:
        names = [f"host{number}" for number in range(PROCESSES)]
        contenders = [(store.url, name, SECONDS) for name in names]
        turns = race(contend, *contenders, meanwhile=watch_the_log)
        print(f"turns {sorted(turns)}, largest log {max(sizes)}")
        assert min(turns) >= statistics.median(turns) / 2
        assert max(sizes) < LARGEST_LOG
        assert store.count(ALL) == sum(turns)
        ended = [job for job in store.find(ALL) if job.state is State.COMPLETED]
        assert all((job.attempts, job.lease) == (1, 1) for job in ended)
        assert list(store.examine()) == []
        audit(store)
