"""A limit on the size of files is a full disk that everybody may have."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.installation import COMMAND, Installation
from tests.support.shortage import Gate, supervisor_says
from tests.support.waiting import until


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with closing(Gate(tmp_path)) as gate:
        yield gate


SMALLEST = 4096  # bytes: room for what a supervisor says of itself, and not for a page of the store


@contextmanager
def no_larger_files(*pids: int) -> Iterator[None]:
    """Meanwhile these processes write no file beyond its first bytes."""
    try:
        for pid in pids:
            psutil.Process(pid).rlimit(psutil.RLIMIT_FSIZE, (SMALLEST, psutil.RLIM_INFINITY))
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY,) * 2)


def limited(place: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--home", str(place.path), *words],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALLEST, SMALLEST)),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_job_for_which_no_file_may_grow_is_refused_in_one_line(place: Installation) -> None:
    place.queue.enqueue("true", id="before")
    done = limited(place, "enqueue", "true")
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("queuectl: error: ")
    assert "internal error" not in line
    assert limited(place, "list", "--format", "ids").stdout == "before\n"
    place.ctl("enqueue", "--id", "later", "true")
    assert [job.id for job in place.queue.list()] == ["later", "before"]


def test_what_ends_meanwhile_is_recorded_once_files_may_grow(
    place: Installation, gate: Gate
) -> None:
    place.start()
    job = place.queue.enqueue(gate.command("job"))
    until(lambda: place.state(job) == "processing" and gate.said("job"))
    supervisor = place.supervisor
    with no_larger_files(supervisor, *place.processes("scheduler")):
        gate.open()
        until(lambda: supervisor_says(place), "the supervisor says so")
        assert place.state(job) == "processing"
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts) == ("completed", 1)
    until(lambda: not supervisor_says(place), "it is over")
    assert place.supervisor == supervisor
