"""What the kernel killed for want of memory is told apart from what somebody killed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from queuectl.domain.job import Job
from queuectl.processes.system import kernel_log
from queuectl.processes.system.kill_counter import KillCounter
from queuectl.processes.system.out_of_memory import CountWitness
from tests.support.disguise import IS_ROOT, NOBODY, disguised, folder_of
from tests.support.installation import COMMAND, Installation
from tests.support.memory_cgroup import HOG, MemoryCgroup, memory_cgroup
from tests.support.waiting import until

MIB = 1024 * 1024
ERROR = "out of memory: killed by the kernel"

needs_the_log = pytest.mark.skipif(
    not kernel_log.is_readable(), reason="needs the kernel's log and its pids"
)


@pytest.fixture
def cgroup() -> Iterator[MemoryCgroup]:
    with memory_cgroup(128 * MIB) as cgroup:
        yield cgroup


def _ended(place: Installation, job: Job) -> Job:
    (ended,) = place.queue.wait([job.id], 60)
    return ended


def _shown(place: Installation, job: Job) -> dict[str, Any]:
    (run,) = json.loads(place.ctl("show", job.id, "--format", "json").stdout)["runs"]
    return dict(run)


@needs_the_log
def test_a_command_that_the_kernel_killed(cgroup: MemoryCgroup, place: Installation) -> None:
    job = place.queue.enqueue(f"{cgroup.entering}; exec {HOG}", max_retries=0)
    place.start()
    assert _ended(place, job).error == ERROR
    run = _shown(place, job)
    assert (run["outcome"], run["signal"], run["exit_code"]) == ("out of memory", 9, None)
    assert "out of memory (signal 9)" in place.ctl("show", job.id).stdout
    assert ERROR in place.ctl("dlq", "list").stdout


@needs_the_log
def test_a_shell_whose_child_the_kernel_killed(cgroup: MemoryCgroup, place: Installation) -> None:
    job = place.queue.enqueue(f"{cgroup.entering}; {HOG}; exit $?", max_retries=0)
    place.start()
    assert _ended(place, job).error == ERROR
    run = _shown(place, job)
    assert (run["outcome"], run["signal"], run["exit_code"]) == ("out of memory", None, 137)


@needs_the_log
def test_it_is_charged_like_any_failure_and_counted_in_the_metrics(
    cgroup: MemoryCgroup, place: Installation
) -> None:
    job = place.queue.enqueue(f"{cgroup.entering}; exec {HOG}", max_retries=1, backoff="fixed:0s")
    place.start()
    ended = _ended(place, job)
    assert (ended.state, ended.retries, ended.attempts) == ("dead", 1, 2)
    assert place.runs(job) == ["out of memory", "out of memory"]
    metrics = json.loads(place.ctl("metrics", "--format", "json").stdout)
    assert metrics["last_hour"]["attempts"] == 2


@needs_the_log
def test_run_exits_as_a_shell_does_and_says_why(cgroup: MemoryCgroup, place: Installation) -> None:
    place.start()
    for line in (f"{cgroup.entering}; exec {HOG}", f"{cgroup.entering}; {HOG}; exit $?"):
        assert ERROR in place.ctl("run", line, code=137).stderr


@needs_the_log
@pytest.mark.parametrize(
    ("line", "error", "shown"),
    [
        ("kill -9 $$", "signal 9", ("signaled", 9, None)),
        ("sh -c 'kill -9 $$'; exit $?", "Killed", ("exited", None, 137)),
    ],
)
def test_what_is_killed_while_a_neighbour_runs_out_of_memory_is_not_taken_for_a_victim(
    cgroup: MemoryCgroup, place: Installation, line: str, error: str, shown: tuple[object, ...]
) -> None:
    place.start(slots=2)
    count = KillCounter(str(cgroup.path / cgroup.events))
    begun, dead = place.path / "begun", place.path / "dead"
    waits = f": > {begun}; until [ -e {dead} ]; do sleep 0.01; done; {line}"
    innocent = place.queue.enqueue(waits, max_retries=0)
    until(begun.exists, "the innocent one runs")
    victim = subprocess.run(
        ["sh", "-c", f"{cgroup.entering}; exec {HOG}"], capture_output=True, check=False
    )
    assert victim.returncode == -9
    assert count.read() == 1
    dead.touch()
    assert error in str(_ended(place, innocent).error)
    run = _shown(place, innocent)
    assert (run["outcome"], run["signal"], run["exit_code"]) == shown


@needs_the_log
def test_a_worker_that_the_kernel_killed(place: Installation) -> None:
    (worker,) = place.start(slots=2)
    running = place.queue.enqueue("exec sleep 1000", max_retries=0)
    until(lambda: place.of_job(running), "its command runs")
    with memory_cgroup(MIB) as cgroup:
        cgroup.add(worker)
        large = {f"X{number}": "x" * 100_000 for number in range(30)}
        place.queue.enqueue("true", env=large)  # more than the worker has room for
        assert _ended(place, running).error == "worker died: out of memory"
    assert place.runs(running) == ["worker died"]


def test_a_worker_that_somebody_killed(place: Installation) -> None:
    (worker,) = place.start()
    job = place.queue.enqueue("exec sleep 1000", max_retries=0)
    until(lambda: place.of_job(job), "its command runs")
    place.kill(worker)
    assert _ended(place, job).error == "worker died: signal 9"


def test_where_the_log_cannot_be_read_the_count_of_the_own_cgroup_tells(
    cgroup: MemoryCgroup,
) -> None:
    witness = CountWitness(KillCounter(str(cgroup.path / cgroup.events)))
    before = witness.count()
    assert before == 0
    assert not witness.killed(1, 0.0, before)
    subprocess.run(["sh", "-c", f"{cgroup.entering}; exec {HOG}"], check=False)
    assert witness.killed(1, 0.0, before)
    assert witness.killed_below(1, 0.0, before)
    until(lambda: witness.count() == 1, "a fresh count")
    assert not witness.killed(1, 0.0, witness.count())


def test_an_ordinary_user_is_told_too() -> None:
    if not IS_ROOT:
        pytest.skip("needs root to become an ordinary user in a cgroup")
    with folder_of(NOBODY) as folder, memory_cgroup(512 * MIB) as cgroup:
        queue = [*COMMAND, "--home", str(folder / "home")]

        def ctl(*words: str, code: int = 0) -> str:
            argv = shlex.join(disguised([*queue, *words], uid=NOBODY))
            line = f"echo $$ > {cgroup.path}/cgroup.procs; exec {argv}"
            done = subprocess.run(
                ["sh", "-c", line], capture_output=True, text=True, cwd=folder, check=False
            )
            assert done.returncode == code, done
            return done.stdout

        ctl("worker", "start")
        try:
            ctl("enqueue", "--id", "before", "--max-retries", "0", "kill -9 $$")
            ctl("wait", "before", code=1)
            for number, line in enumerate((f"exec {HOG}", f"{HOG}; exit $?")):
                ctl("enqueue", "--id", f"hog{number}", "--max-retries", "0", line)
                assert ERROR in _last_words(ctl, f"hog{number}")
            ctl("enqueue", "--id", "after", "--max-retries", "0", "kill -9 $$")
            for job_id in ("before", "after"):
                assert "signal 9" in _last_words(ctl, job_id)
        finally:
            ctl("worker", "stop", "--now")


def _last_words(ctl: Any, job_id: str) -> str:
    ctl("wait", job_id, code=1)
    return str(json.loads(ctl("show", job_id, "--format", "json"))["error"])


def test_nothing_is_left_of_a_cgroup() -> None:
    with memory_cgroup(64 * MIB) as cgroup:
        assert os.path.isdir(cgroup.path)
    assert not os.path.exists(cgroup.path)
