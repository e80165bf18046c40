"""The wall clock of real processes is set: nothing fires early, starves, or is taken for dead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.one_shot import OneShot
from tests.support.waiting import until
from tests.support.wall_clock import WallClock

DAY, HOUR = 86_400, 3_600
WAIT = 12
# The time since the machine started, which nobody can set.
NOTE_UPTIME = "cut -d' ' -f1 /proc/uptime >> "


class Setting(OneShot):
    """A home whose processes all see a wall clock that can be set."""

    def __init__(self, home: Path, clock: WallClock) -> None:
        super().__init__(home)
        self.clock = clock

    def attempt(self, *words: Any, **options: Any) -> Any:
        return super().attempt(*words, env=self.clock.environment, **options)

    def job(self, job_id: str) -> Any:
        return self("show", job_id, "--format", "json").json

    def state(self, job_id: str) -> str:
        return self.job(job_id)["state"]

    def due_in(self, job_id: str) -> float:
        return datetime.fromisoformat(self.job(job_id)["run_at"]).timestamp() - self.clock.now()

    def active(self) -> int:
        return self("status", "--format", "json").json["workers"]["active"]


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


@pytest.fixture
def home(tmp_path: Path, clock: WallClock) -> Iterator[Setting]:
    home = Setting(tmp_path / "home", clock)
    yield home
    home("worker", "stop", "--now")
    Installation(home.home).close()


def in_an_hour(clock: WallClock) -> str:
    return datetime.fromtimestamp(clock.now() + HOUR, UTC).isoformat()


def uptimes(path: Path) -> list[float]:
    return [float(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_day_forward_and_two_back_fire_starve_and_rescue_nothing(
    home: Setting, clock: WallClock, tmp_path: Path
) -> None:
    elsewhere = Setting(tmp_path / "elsewhere", clock)
    elsewhere.argv += ["--store", f"sqlite://{home.home}/queue.db"]
    go, starts = tmp_path / "go", tmp_path / "starts"
    os.mkfifo(go)
    home("worker", "start", "--slots", "4")
    home("enqueue", "--id", "long", f"cat {go}")
    home("enqueue", "--id", "timed", "--timeout", str(WAIT), "--max-retries", "0", "sleep 300")
    retried = f"{NOTE_UPTIME}{starts}; test $QUEUECTL_ATTEMPT = 2"
    home("enqueue", "--id", "retried", "--backoff", f"fixed:{WAIT}s", retried)
    home("enqueue", "--id", "delayed", "--delay", "1h", "true")
    home("enqueue", "--id", "named", "--at", in_an_hour(clock), "true")
    until(lambda: {home.state("long"), home.state("timed")} == {"processing"})
    until(lambda: home.state("retried") == "failed", "the first failure")

    clock.step(DAY)
    assert elsewhere.active() == 1
    until(lambda: home.state("named") == "completed", "the job at a time that has come")
    assert home.state("delayed") == "scheduled"
    assert 0 < home.due_in("delayed") <= HOUR
    for _ in range(2):
        clock.step(-DAY)
        assert elsewhere.active() == home.active() == 1
        home("enqueue", "--wait", "true")
        assert home.state("delayed") == "scheduled"
        assert 0 < home.due_in("delayed") <= HOUR

    until(lambda: home.state("retried") == "completed", "the retry")
    first, second = uptimes(starts)
    assert second - first >= WAIT
    until(lambda: home.state("timed") == "dead", "the time-out")
    (run,) = home.job("timed")["runs"]
    assert run["outcome"] == "timed out"
    assert run["duration"] >= WAIT
    assert home.state("long") == "processing"
    go.write_text("x\n")
    until(lambda: home.state("long") == "completed")
    long = home.job("long")
    assert (long["attempts"], long["retries"], len(long["runs"])) == (1, 0, 1)
    assert 0 <= long["duration"] < HOUR


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_a_step_while_nothing_runs_is_followed_by_whoever_comes_next(
    home: Setting, clock: WallClock, tmp_path: Path, step: int
) -> None:
    starts = tmp_path / "starts"
    before = float(Path("/proc/uptime").read_text().split()[0])
    home("enqueue", "--id", "delayed", "--delay", "5s", f"{NOTE_UPTIME}{starts}")
    clock.step(step)
    home("worker", "start")
    until(lambda: home.state("delayed") == "completed")
    (start,) = uptimes(starts)
    assert start - before >= 5


def test_a_time_that_comes_after_a_step_back_is_not_slept_through(
    home: Setting, clock: WallClock
) -> None:
    clock.step(DAY)
    home("worker", "start")
    home("enqueue", "--wait", "true")
    clock.step(-DAY)
    due = datetime.fromtimestamp(clock.now() + 4, UTC).isoformat()
    home("enqueue", "--id", "named", "--at", due, "true")
    until(lambda: home.state("named") == "completed")
