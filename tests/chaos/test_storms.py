"""Storms: kills and stops of any process by a seeded plan, after which every promise has held."""

from __future__ import annotations

import os
import threading
import time
from itertools import islice
from pathlib import Path

import pytest

from queuectl.checks.chaos.faults import FAULTS, Plan
from queuectl.checks.chaos.storm import CALM, Storm
from queuectl.checks.home import ThrowAwayHome

SECONDS = float(os.environ.get("QUEUECTL_CHAOS_SECONDS", "30"))
SEED = int(os.environ.get("QUEUECTL_CHAOS_SEED") or time.time_ns() % 1_000_000)


@pytest.mark.timeout(SECONDS + 2 * CALM + 60)
def test_no_promise_is_broken_in_a_storm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told: list[str] = []
    print(f"QUEUECTL_CHAOS_SEED={SEED} QUEUECTL_CHAOS_SECONDS={SECONDS:g}")
    with ThrowAwayHome(SECONDS + 2 * CALM, threading.Event()) as home:
        report = Storm(home, SEED, tell=told.append).rage(SECONDS)
        print(report.summary)
        if report.found:
            print(*told, (home.path / "supervisor.log").read_text(), sep="\n")
    assert report.found == []
    assert report.jobs > SECONDS
    assert report.strikes.total() > SECONDS / 3


def test_a_seed_gives_the_same_plan_again() -> None:
    first, second, other = (list(islice(Plan(seed, FAULTS), 100)) for seed in (1, 1, 2))
    assert first == second
    assert first != other
