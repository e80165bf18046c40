"""The benchmarks run, check what they measure, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.suite import BENCHMARKS
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "benchmarks", "--quick", "--repeat", "1"]


def _start(folder: Path, *words: str) -> subprocess.Popen[str]:
    places = ["--home-on", str(folder / "homes"), "--results", str(folder / "results")]
    return subprocess.Popen(
        [*COMMAND, *places, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_quick_run_measures_everything_and_writes_it_down(tmp_path: Path) -> None:
    # What other queues do under the load of all tests is no matter of ours.
    words = [word for name in BENCHMARKS if name != "rivals" for word in ("--only", name)]
    with _start(tmp_path, *words) as process:
        printed, _ = process.communicate()
    assert process.returncode == 0, printed
    [page, record] = sorted((tmp_path / "results").iterdir(), key=lambda path: path.suffix)[::-1]
    assert page.read_text() == printed.removesuffix("\n")
    report = json.loads(record.read_text())
    assert not report["failures"]
    assert len(report["findings"]) >= len(BENCHMARKS) - 1
    assert all(
        contender["least"] > 0
        for finding in report["findings"]
        for contender in finding["contenders"].values()
    )
    assert list((tmp_path / "homes").iterdir()) == []


def test_a_run_that_is_ended_ends_its_workers_and_removes_its_homes(tmp_path: Path) -> None:
    with _start(tmp_path, "--only", "drain-2", "--only", "memory") as process:
        pattern = "benchmarks-*/home-*/run/*.lock"
        until(lambda: list((tmp_path / "homes").glob(pattern)), "a worker has started")
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert os.listdir(tmp_path / "homes") == []
    assert not (tmp_path / "results").exists()
