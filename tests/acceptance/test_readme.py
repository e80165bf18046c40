"""What README.md tells people to type works as it stands there."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from queuectl.commands.grammar import build_parser
from queuectl.commands.registry import COMMANDS
from tests.support.installation import COMMAND, Installation
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
BOOT = ("worker", "start", "--count", "2")


def test_every_line_of_the_tour_succeeds(place: Installation, tmp_path: Path) -> None:
    tour = _block("sh", after="## A tour")
    lines = [line for line in tour.splitlines() if line and not line.startswith("#")]
    assert len(lines) > 15
    # After a failed line the others still run, and each failure is named.
    checked = "".join(f"{line}\n[ $? = 0 ] || echo {shlex.quote(line)} >&9\n" for line in lines)
    failed = tmp_path / "failed"
    done = _sh(f"exec 9>{failed}\n{checked}", place, tmp_path)
    assert failed.read_text() == "", done
    assert done.stderr == ""
    for part in ("Hello World", "me first", "Job 'urgent' completed", "attempt 1 of j", "no luck"):
        assert part in done.stdout
    assert place.queue.get("flaky").attempts >= 3
    assert place.queue.get("later").state == "cancelled"
    assert place.queue.workers() == []


def test_the_example_in_python_runs(place: Installation, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(_block("python"))
    done = _sh(f"{sys.executable} {program}", place, tmp_path)
    assert (done.stdout, done.stderr) == ("j1 pending\n", "")


def test_the_unit_starts_workers_and_ends_them_in_order(place: Installation) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(_block("ini"))
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/queuectl")
    assert tuple(words) == (*BOOT, "--foreground")
    process = subprocess.Popen(
        [*COMMAND, "--home", str(place.path), *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: [row.pid is not None for row in place.queue.workers()] == [True, True])
    job = place.queue.enqueue("touch begun; sleep 0.5", cwd=str(place.path))
    until((place.path / "begun").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert place.queue.get(job.id).state == "completed"
    assert place.queue.workers() == []


def test_the_line_for_cron_starts_workers() -> None:
    when, program, *words = shlex.split(_block("crontab"))
    assert when == "@reboot"
    assert program.endswith("/queuectl")
    assert tuple(words) == BOOT
    build_parser(COMMANDS["worker"]).parse_args(words[1:])


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_knows_the_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", PAGE, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def _block(language: str, after: str = "") -> str:
    """The first block of code in `language` behind the text `after`."""
    found = re.search(
        rf"```{language}\n(.*?)```", PAGE[PAGE.index(after) :], re.DOTALL | re.MULTILINE
    )
    assert found is not None
    return found[1]


def _sh(lines: str, place: Installation, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run lines of sh where `queuectl` is the one under test, with its home in the environment."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "queuectl").write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    (programs / "queuectl").chmod(0o755)
    variables = {"PATH": f"{programs}:{os.environ['PATH']}", "QUEUECTL_HOME": str(place.path)}
    return subprocess.run(
        ["sh"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, **variables},
        input=lines,
        text=True,
    )
