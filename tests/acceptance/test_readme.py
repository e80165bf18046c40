"""Every line of the README's tour works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)


def test_every_line_of_the_tour_succeeds(place, tmp_path):
    _, tour = blocks("sh")
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "queuectl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m queuectl "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "QUEUECTL_HOME": str(place.path),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["sh", "-e", "-x", "-c", tour],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done
    assert "Job 'shaky' moved from DLQ back to pending queue" in done.stdout
    assert "seen live" in done.stdout


def test_the_python_example_runs(place, tmp_path):
    (example,) = blocks("python")
    environment = {**os.environ, "QUEUECTL_HOME": str(place.path)}
    done = subprocess.run(
        [sys.executable, "-c", example],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "pending\n"), done
