"""`test` and its kin: they pass on a sound installation, fail on a broken one, and clean up."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import queuectl
from queuectl.checks import check, survivors
from queuectl.checks.chaos.invariants import INVARIANTS
from queuectl.checks.check import Check, Kind, run_check
from queuectl.checks.home import ThrowAwayHome
from queuectl.checks.suites import checks_of
from queuectl.commands.test import MEANINGS
from tests.support.waiting import until

COMMAND = [sys.executable, "-P", "-m", "queuectl"]
LINE = re.compile(r"([✓✗]) (.+) \((\d+\.\d) s\)")
LONG = pytest.mark.timeout(300)

# For each name something that breaks what it checks, as code that runs at the start of every
# process of Python, and the promise that no longer holds.
BREAKAGES = {
    "test_dlq": (
        "from queuectl.domain.retry import Backoff\n"
        "Backoff.wait = lambda self, retry, chance: 0.0\n",
        "the waits between retries grow exponentially, or as the job says",
    ),
    "test_enqueue": (
        "from queuectl.domain import spec\n"
        "spec.CHECKS['prioritty'] = lambda value, default, now: value\n",
        "invalid input is refused with exit code 2 and one line, and nothing changes",
    ),
    "test_list": (
        "from queuectl.domain import selection\n"
        "selection.NEWEST_FIRST = selection.Order(descending=False)\n",
        "list shows the jobs, newest first, with letters for their states",
    ),
    "test_status": (
        "from queuectl.queue import JobQueue\nJobQueue.holdings = lambda self: []\n",
        "status counts the jobs of every state and the workers, busy and idle",
    ),
    "test_config": (
        "from queuectl.domain import settings\n"
        "key, setting = 'max_retries', settings.SETTINGS['max_retries']\n"
        "settings.SETTINGS[key] = setting._replace(low=-1)\n",
        "a setting of unknown name, wrong type or out of range is refused",
    ),
    "test_metrics": (
        "from queuectl.domain import statistics\n"
        "statistics.throughput = lambda samples, now, window: 0.0\n",
        "metrics count what ran: jobs, attempts, success rate, throughput",
    ),
    "test_worker": (
        "from queuectl.processes import control\n"
        "start = control.start_workers\n"
        "def start_one(queue, count, *rest, **options):\n"
        "    return start(queue, 1, *rest, **options)\n"
        "control.start_workers = start_one\n",
        "workers start in the background and run jobs side by side",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where throw-away homes are made; at the end nothing of them may be left."""
    path = tmp_path / "temporary"
    path.mkdir()
    yield path
    assert list(path.iterdir()) == []
    assert _alive_below(path) == []


@LONG
def test_everything_holds_in_a_copy_without_repository_and_pytest(
    tmp_path: Path, folder: Path
) -> None:
    copy = tmp_path / "copy"
    package = Path(queuectl.__file__).parent
    shutil.copytree(package, copy / "queuectl", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pytest", "hypothesis", "tests"):
        (copy / f"{name}.py").write_text("raise ImportError('not in an installed copy')\n")
    done = _queuectl("verify_all", folder=folder, PYTHONPATH=str(copy))
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    *lines, count = done.stdout.splitlines()
    told = [LINE.fullmatch(line) for line in lines]
    promises = [each.promise for each in checks_of("test_all")]
    assert [match and match.group(1, 2) for match in told] == [("✓", each) for each in promises]
    total = len(promises)
    assert re.fullmatch(rf"{total} of {total} checks passed in \d+\.\d s", count)


@LONG
@pytest.mark.parametrize("name", BREAKAGES)
def test_what_is_broken_is_told_with_a_reason(tmp_path: Path, folder: Path, name: str) -> None:
    code, promise = BREAKAGES[name]
    (tmp_path / "sitecustomize.py").write_text(code)
    done = _queuectl("test", name, folder=folder, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    lines = done.stdout.splitlines()
    total = len(checks_of(name))
    marks = dict(_told(line) for line in lines[:total])
    failed = [each for each, mark in marks.items() if mark == "✗"]
    assert promise in failed
    reasons = lines[total:-1]
    assert len(reasons) == len(failed)
    for each, reason in zip(failed, reasons, strict=True):
        assert reason.startswith(f"{each}: ")
        assert len(reason) > len(each) + 10
    assert lines[-1].startswith(f"{total - len(failed)} of {total} checks passed in ")


SHORT = "from queuectl.checks.chaos import matrix\nmatrix.KINDS = matrix.KINDS[:2]\n"
SURVIVOR = (
    "from queuectl.checks.chaos import population\n"
    "population.describe = lambda home: ['worker 17']\n"
)


@LONG
@pytest.mark.parametrize(("sabotage", "code"), [("", 0), (SURVIVOR, 1)], ids=["sound", "broken"])
def test_storms_print_which_promise_holds_under_which_fault(
    tmp_path: Path, folder: Path, sabotage: str, code: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHORT + sabotage)
    words = "verify_all", "--chaos", "--seconds", "4", "--seed", "3"
    done = _queuectl(*words, folder=folder, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (code, ""), done.stdout
    mark = "✗" if code else "✓"
    promises = len(INVARIANTS)
    for kind in ("worker killed", "supervisor killed"):
        row = re.search(rf"^{kind} +([✓✗ ]+)$", done.stdout, re.MULTILINE)
        assert row, done.stdout
        assert row[1].split() == ["✓"] * (promises - 1) + [mark]
    assert ("alive at the end: worker 17" in done.stdout) == bool(code)
    violations = "2 violations" if code else "0 violations"
    assert re.search(rf"^\d+ jobs, \d+ strikes, {violations} in ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_checks_with_all_that_they_started(folder: Path, number: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, "test", "test_worker"], env=_environment(folder), stdout=subprocess.DEVNULL
    )
    until(lambda: list(folder.glob("*/home/run/*.lock")), "a worker")
    process.send_signal(number)
    assert process.wait(60) == 128 + number


def test_a_reader_that_goes_away_ends_the_checks(folder: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "test", "test_status"],
        env=_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141


def test_the_processes_of_a_home_are_found_where_temporary_folders_are_behind_a_link(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "link"))
    with ThrowAwayHome(60, threading.Event()) as home:
        home.start()
        assert survivors.kill(str(home.path))


def test_the_queue_of_the_person_is_left_alone(tmp_path: Path, folder: Path) -> None:
    own = tmp_path / "own"
    places = {"QUEUECTL_HOME": str(own), "QUEUECTL_STORE": f"sqlite://{own}/queue.db"}
    done = _queuectl("test", "test_config", folder=folder, **places)
    assert done.returncode == 0, done.stdout
    assert not own.exists()


def test_without_a_name_the_names_are_listed(folder: Path) -> None:
    lines = _queuectl("test", folder=folder).stdout.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(MEANINGS)
    assert all(len(line.split()) > 1 for line in lines)


def test_an_unknown_name_is_refused_with_the_nearest(folder: Path) -> None:
    done = _queuectl("test", "test_dql", folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "queuectl: error: unknown test 'test_dql': did you mean 'test_dlq'?\n"


def test_every_check_is_a_deliverable_or_a_bonus_and_is_promised_once() -> None:
    everything = checks_of("test_all")
    parts = checks_of("test_deliverables") + checks_of("test_bonus_features")
    assert sorted(each.promise for each in parts) == sorted(each.promise for each in everything)
    assert len({each.promise for each in everything}) == len(everything)
    for name in MEANINGS:
        assert checks_of(name)
        assert set(checks_of(name)) <= set(everything)


def test_a_check_that_raises_fails_and_its_home_is_removed(here: Path) -> None:
    def body(home: ThrowAwayHome) -> None:
        home.enqueue({"command": "sleep 300"})
        home.start()
        home.until("the job to run", lambda: home.read("status")["jobs"]["processing"])
        raise ZeroDivisionError("of all things")

    assert _reason(body) == "ZeroDivisionError: of all things"


def test_a_check_that_takes_too_long_fails(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def body(home: ThrowAwayHome) -> None:
        home.enqueue({"id": "never", "command": "true"})
        home.run("wait", "never")

    monkeypatch.setattr(check, "LIMIT", 1.0)
    assert _reason(body) == "gave up after 1 s: waiting for the end of `wait never`"


def test_a_process_that_outlives_worker_stop_is_killed_and_told(here: Path) -> None:
    left: list[subprocess.Popen[bytes]] = []

    def body(home: ThrowAwayHome) -> None:
        home.run("list")
        variables = {**os.environ, "QUEUECTL_HOME": str(home.path)}
        left.append(subprocess.Popen(["sleep", "300"], env=variables))

    reason = _reason(body)
    (process,) = left
    assert reason == f"alive after worker stop --now: {process.pid} sleep 300"
    process.wait(10)


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, for checks that are run in this process."""
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def _reason(body: check.Body) -> str | None:
    return run_check(Check("a promise", Kind.BONUS, body), threading.Event()).reason


def _queuectl(*words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        check=False,
        cwd=folder,
        encoding="utf-8",
        env={**_environment(folder), **variables},
        stdin=subprocess.DEVNULL,
    )


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


def _told(line: str) -> tuple[str, str]:
    match = LINE.fullmatch(line)
    assert match, line
    return match[2], match[1]


def _alive_below(folder: Path) -> list[int]:
    return [process.pid for process in psutil.process_iter() if _home_of(process, folder)]


def _home_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get("QUEUECTL_HOME", "").startswith(f"{folder}/")
    except psutil.Error:
        return False
