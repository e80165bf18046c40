"""Real input: every module of Python's standard library is compressed by a job, and compared."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import COMMAND, Installation

SCRIPTS = Path(__file__).parents[2] / "scripts"
RETRIES = 2


@pytest.mark.timeout(300)
def test_the_standard_library_goes_through_the_queue_byte_for_byte(
    place: Installation, tmp_path: Path
) -> None:
    sources = _standard_library()
    assert len(sources) > 1000
    _replay(place, tmp_path)

    jobs = {Path(job["env"]["SOURCE"]): job for job in _read(place, "list", "--all")}
    assert set(jobs) == sources
    dead = {job["id"] for job in jobs.values() if job["state"] == "dead"}
    assert len(dead) == 10
    for source, job in jobs.items():
        content = source.read_bytes()
        assert gzip.decompress(Path(job["env"]["TARGET"]).read_bytes()) == content
        fails = job["id"] in dead
        assert (job["state"], job["attempts"], job["exit_code"]) == (
            ("dead", RETRIES + 1, 7) if fails else ("completed", 1, 0)
        )
    assert _digests_in_logs(place, jobs) == {source: _digest(source) for source in sources}

    _compare_dlq(place, dead)
    _compare_status(place, len(sources))
    _compare_metrics(place, len(sources))
    assert len({job["worker"] for job in jobs.values()}) == 2


def _standard_library() -> set[Path]:
    library = Path(sysconfig.get_path("stdlib"))
    foreign = {"site-packages", "dist-packages"}
    return {
        path
        for path in library.rglob("*.py")
        if not foreign.intersection(path.relative_to(library).parts)
    }


def _replay(place: Installation, folder: Path) -> None:
    """Run the script where it finds the same Python, and makes no file in the repository."""
    shutil.copytree(SCRIPTS, folder / "scripts")
    programs = folder / "programs"
    programs.mkdir()
    (programs / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (programs / "python3").chmod(0o755)
    done = subprocess.run(
        [*COMMAND, "--home", str(place.path), "run_script", "scripts/stdlib.txt"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    count = len(_standard_library())
    assert f"{count} of {count} outputs and digests are right" in done.stdout


def _digests_in_logs(place: Installation, jobs: dict[Path, dict[str, Any]]) -> dict[Path, str]:
    """What the jobs printed, asked for through one pipe of `logs` lines."""
    lines = "".join(f"logs {job['id']}\n" for job in jobs.values())
    printed = (line.split("  ") for line in place.ctl(stdin=lines).stdout.splitlines())
    return {Path(words[1]): words[0] for words in printed if len(words) == 2}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _compare_dlq(place: Installation, dead: set[str]) -> None:
    listed = _read(place, "dlq", "list")
    assert {job["id"] for job in listed} == dead
    assert {(job["retries"], job["error"]) for job in listed} == {(RETRIES, "fails on purpose")}
    some = _read(place, "show", min(dead))
    outcomes = [(run["attempt"], run["outcome"], run["exit_code"]) for run in some["runs"]]
    assert outcomes == [(number, "exited", 7) for number in (1, 2, 3)]
    for attempt in ("1", "2", "3"):
        out = place.ctl("logs", some["id"], "--attempt", attempt).stdout
        assert out.splitlines()[0].startswith(_digest(Path(some["env"]["SOURCE"])))
        words = place.ctl("logs", some["id"], "--attempt", attempt, "--stderr").stdout
        assert words == "fails on purpose\n"


def _compare_status(place: Installation, count: int) -> None:
    status = _read(place, "status")
    jobs = {state: number for state, number in status["jobs"].items() if number}
    assert jobs == {"completed": count - 10, "dead": 10}
    assert status["workers"] == {"active": 0, "busy": 0}
    assert (status["next_run_at"], status["oldest_pending_seconds"]) == (None, None)


def _compare_metrics(place: Installation, count: int) -> None:
    metrics = _read(place, "metrics")
    attempts = count + RETRIES * 10
    assert metrics["success_rate"] == pytest.approx((count - 10) / count)
    assert metrics["last_hour"]["attempts"] == attempts
    assert metrics["last_hour"]["success_rate"] == pytest.approx((count - 10) / attempts)
    assert metrics["throughput"]["1h"] * 3600 == pytest.approx(attempts)
    assert metrics["queues"]["default"] == metrics["last_hour"]


def _read(place: Installation, *words: str) -> Any:
    return json.loads(place.ctl(*words, "--format", "json").stdout)
