"""The batch files in scripts/ do what they say, and tell by their exit code how it went."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.installation import COMMAND, Installation

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"


def _replay(place: Installation, name: str) -> subprocess.CompletedProcess[str]:
    argv = [*COMMAND, "--home", str(place.path), "run_script", str(SCRIPTS / name)]
    folder = place.path.parent
    return subprocess.run(argv, capture_output=True, check=False, cwd=folder, text=True)


def test_quickstart_shows_the_way_from_enqueue_to_a_replay_from_the_dlq(
    place: Installation,
) -> None:
    done = _replay(place, "quickstart.txt")
    assert (done.returncode, done.stderr) == (0, "")
    parts = (
        r"Enqueued job 'hello' \(pending\)",
        "✓ Started worker worker_",
        "step 1\nstep 2\nstep 3\n",
        "I GO FIRST",
        "Active Workers: 2",
        r"flaky +test .+ 2/2 .+ not repaired yet",
        "Job 'flaky' moved from DLQ back to pending queue",
        "Job 'flaky' completed",
        r"completed +5\n",
        "✓ All workers stopped gracefully",
    )
    assert re.search(".*".join(parts), done.stdout, re.DOTALL), done.stdout
    flaky = place.queue.get("flaky")
    assert (flaky.state, flaky.attempts) == ("completed", 4)
    assert place.queue.workers() == []


def test_make_demo_replays_quickstart_in_a_home_of_its_own() -> None:
    done = subprocess.run(
        ["make", "-n", "demo"], capture_output=True, check=True, cwd=ROOT, text=True
    )
    assert re.search(r"--home .* run_script scripts/quickstart\.txt", done.stdout)


def test_demo_goes_through_without_a_failure(place: Installation) -> None:
    done = _replay(place, "demo.txt")
    assert (done.returncode, done.stderr) == (0, "")
    counts = {state: count for state, count in place.queue.stats().jobs.items() if count}
    assert set(counts) == {"completed", "cancelled"}
    assert sum(counts.values()) == 8


def test_smoke_passes_and_leaves_nothing(place: Installation) -> None:
    done = _replay(place, "smoke.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(place.queue.list()) == []
    assert place.queue.workers() == []


def test_smoke_refuses_a_home_that_has_jobs(place: Installation) -> None:
    place.queue.enqueue("true", id="mine")
    done = _replay(place, "smoke.txt")
    assert done.returncode == 1
    assert [job.id for job in place.queue.list()] == ["mine"]


@pytest.mark.parametrize(
    "surprise",
    [
        "from queuectl.domain import lifecycle\nlifecycle.UNCHARGED = frozenset()\n"
        "from queuectl.domain.retry import Backoff\n"
        "from queuectl.domain.lifecycle import Standing\n"
        "Standing.max_retries = property(lambda self: 0)\n",
        "from queuectl.executors import local\nlocal.SHELL = '/bin/true'\n",
    ],
    ids=["no retries", "no output"],
)
def test_smoke_fails_at_the_first_surprise(
    place: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, surprise: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(surprise)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = _replay(place, "smoke.txt")
    assert done.returncode == 1
    assert re.search(r"smoke\.txt line \d+: ", done.stderr)
    assert "Removed" not in done.stdout
