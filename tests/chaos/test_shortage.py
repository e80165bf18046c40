"""Where there is no room new jobs are refused, running ones end, and nothing is lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from queuectl import JobQueue
from queuectl.domain.errors import StoreFull
from queuectl.domain.job import Job
from queuectl.domain.transcript import text
from queuectl.processes.supervision.logbook import open_log
from tests.support.installation import Installation
from tests.support.shortage import (
    PROCESSES,
    Disk,
    Gate,
    everybody,
    small_disk,
    supervisor_says,
    trouble,
)
from tests.support.waiting import until

# What failed before may have left a little room in the files of the store, never as much.
BIG = "true " + "x" * 100_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def place(disk: Disk) -> Iterator[Installation]:
    installation = Installation(disk.path / "home")
    yield installation
    disk.free()
    installation.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with closing(Gate(tmp_path)) as gate:
        yield gate


def refused(place: Installation, *words: str, stdin: str = "") -> None:
    done = place.ctl(*words, stdin=stdin, code=1)
    [line] = done.stderr.splitlines()
    assert line.startswith("queuectl: error: ")
    assert "No space left on device" in line or "no room is left" in line
    assert "internal error" not in line


def output(place: Installation, job: Job) -> str:
    return text(place.queue.output(job)).decode()


@pytest.mark.parametrize("alive", [True, False], ids=["supervised", "nobody-has-it-open"])
def test_a_full_disk_refuses_jobs_in_one_line_and_is_read_all_the_same(disk, place, gate, alive):
    job = place.queue.enqueue(gate.command("first"))
    if alive:
        place.start()
        until(lambda: gate.said("first"))
    else:
        place.queue.close()
    disk.fill()
    refused(place, "enqueue", BIG)
    refused(place, "enqueue", "--lines", "-", stdin=f"true\n{BIG}\n")
    refused(place, stdin=f"enqueue {BIG}\n")
    for words in (
        ("list",),
        ("status",),
        ("show", job.id),
        ("logs", job.id),
        ("config", "list"),
        ("worker", "status"),
        ("metrics",),
    ):
        assert place.ctl(*words).stderr == "", words
    assert place.ctl("list", "--format", "ids").stdout.split() == [job.id]
    assert f"no room is left on the disk of {place.path}" in trouble(place)
    disk.free()
    place.queue = JobQueue(str(place.path))
    place.ctl("enqueue", "--id", "second", "true")
    assert trouble(place) == []
    gate.open()
    if not alive:
        place.start()
    ended = place.queue.wait([job.id, "second"], 60)
    assert {each.state for each in ended} == {"completed"}


def test_outcomes_are_held_while_the_disk_is_full_and_recorded_once_there_is_room(
    disk, place, gate
):
    place.start(2)
    quick = place.queue.enqueue(gate.command("quick", "echo over"), max_retries=0)
    failing = place.queue.enqueue(gate.command("failing", "echo bad >&2; exit 3"), max_retries=0)
    until(lambda: gate.said("quick") and gate.said("failing"))
    until(lambda: place.queue.get(failing.id).state == "processing")
    before = until(lambda: everybody(place))
    disk.fill()
    gate.open()
    until(lambda: "2 outcomes wait" in supervisor_says(place))
    assert {place.state(quick), place.state(failing)} == {"processing"}
    table = place.ctl("status").stdout
    assert "! supervisor: the store does not take what is to be recorded: " in table
    assert "no room is left for it; 2 outcomes wait\n" in table
    disk.free()
    first, second = place.queue.wait([quick.id, failing.id], 60)
    assert (first.state, second.state, second.exit_code) == ("completed", "dead", 3)
    assert (output(place, quick), output(place, failing)) == (
        "quick begun\nover\n",
        "failing begun\nbad\n",
    )
    assert [place.runs(job) for job in (quick, failing)] == [["exited"], ["exited"]]
    assert everybody(place) == before
    until(lambda: trouble(place) == [])
    assert "!" not in place.ctl("status").stdout
    late = place.queue.enqueue("true")
    assert place.queue.wait([late.id], 60)[0].state == "completed"


def test_output_that_a_full_disk_does_not_take_is_counted(disk, place, gate):
    place.start()
    job = place.queue.enqueue(gate.command("long", "head -c 300000 /dev/zero | tr '\\0' x"))
    until(lambda: gate.said("long"))
    disk.fill()
    gate.open()
    until(lambda: "1 outcome waits" in supervisor_says(place))
    disk.free()
    place.queue.wait([job.id], 60)
    frames = place.queue.output(job)
    kept = text(frame for frame in frames if not frame.is_gap)
    missing = sum(frame.missing for frame in frames)
    assert missing
    assert kept.startswith(b"long begun\nxxx")
    assert len(kept) + missing == len("long begun\n") + 300_000
    assert f"[... {missing} bytes left out ...]" in place.ctl("logs", job.id).stdout


@pytest.mark.parametrize("victim", ["supervisor", "worker", "nursery", "scheduler", "everything"])
def test_whatever_is_killed_while_the_disk_is_full_no_job_is_lost_or_doubled(
    disk, place, gate, victim
):
    place.start(2)
    names = [f"job-{number}" for number in range(4)]
    jobs = [place.queue.enqueue(gate.command(name), id=name, backoff="fixed:0s") for name in names]
    until(lambda: len([name for name in names if gate.said(name)]) == 2)
    disk.fill()
    for name in (*PROCESSES, "caretaker") if victim == "everything" else (victim,):
        for pid in place.processes(name):
            place.kill(pid)
    refused(place, "enqueue", BIG)
    gate.open()
    if victim != "everything":
        until(lambda: not any(place.of_job(job) for job in jobs))
    assert {job.id for job in place.queue.list()} == set(names)
    disk.free()
    until(lambda: place.queue.supervisor() is None or victim not in ("supervisor", "everything"))
    if victim in ("supervisor", "everything"):
        place.start()
    ended = place.queue.wait(names, 100)
    assert {job.state for job in ended} == {"completed"}
    assert "doubled" not in [line for name in names for line in gate.said(name)]
    for job in ended:
        assert len(gate.said(job.id)) == job.attempts
    until(lambda: trouble(place) == [])


def test_stopping_says_why_it_takes_long_and_ends_by_itself_once_there_is_room(disk, place, gate):
    place.start()
    job = place.queue.enqueue(gate.command("held"))
    until(lambda: gate.said("held"))
    disk.fill()
    gate.open()
    until(lambda: "1 outcome waits" in supervisor_says(place))
    place.kill(place.supervisor, 15)
    done = place.ctl("worker", "stop", code=1)
    assert "no room is left for it" in done.stderr
    assert place.processes("supervisor")
    disk.free()
    until(lambda: not place.processes("supervisor"))
    assert place.state(job) == "completed"


@pytest.mark.parametrize("alive", [True, False], ids=["supervised", "nobody-there"])
def test_starting_workers_says_what_is_wrong_and_does_not_hang(disk, place, gate, alive):
    if alive:
        place.start()
    held = place.queue.enqueue(gate.command("held"))
    if alive:
        until(lambda: gate.said("held"))
    disk.fill()
    gate.open()
    if alive:
        until(lambda: "1 outcome waits" in supervisor_says(place))
    done = place.ctl("worker", "start", "--count", "50", code=1)
    [line] = done.stderr.splitlines()
    assert "No space left on device" in line or "no room is left" in line
    disk.free()
    place.start()
    assert place.queue.wait([held.id], 60)[0].state == "completed"


def test_near_the_limit_a_job_is_on_disk_or_refused_and_nothing_between(disk, place):
    disk.fill(spare=400_000)
    taken, count = [], 0
    while True:
        count += 1
        try:
            taken.append(place.queue.enqueue("true " + "x" * 5000, id=f"n{count}").id)
        except StoreFull:
            break
        assert count < 1000
    many = ({"command": "true " + "y" * 5000} for _ in range(100))
    with pytest.raises(StoreFull):
        place.queue.enqueue_many(many)
    assert taken
    place.queue.close()  # a full disk may not take the checkpoint at the end either
    seen = place.ctl("list", "--all", "--format", "ids").stdout.split()
    assert set(seen) == set(taken)
    disk.free()
    place.queue = JobQueue(str(place.path))
    assert {job.id for job in place.queue.list()} == set(taken)
    assert place.queue.store._connection.pragma("integrity_check") == "ok"
    place.queue.enqueue("true", id="after")


def test_a_store_that_could_not_be_made_on_a_full_disk_is_made_once_there_is_room(disk):
    home = Installation.__new__(Installation)
    home.path = disk.path / "home"
    for spare in (0, 4096, 40_000):
        disk.free()
        disk.fill(spare=spare)
        refused(home, "enqueue", BIG)
        refused(home, "list")
    disk.free()
    home.ctl("enqueue", "--id", "first", "true")
    assert home.ctl("list", "--format", "ids").stdout == "first\n"


def test_a_log_on_a_full_disk_raises_nothing_and_goes_on_once_there_is_room(disk, monkeypatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(logging, "raiseExceptions", True)
    path = disk.path / "supervisor.log"
    open_log(str(path), echo=False)
    disk.fill(spare=1_500_000)
    for number in range(30_000):  # through a rotation, and into the end of the disk
        logging.warning("line %d %s", number, "x" * 50)
    disk.free()
    logging.warning("there is room")
    for handler in root.handlers:
        handler.close()
    assert "there is room" in path.read_text()
