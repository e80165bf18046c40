"""A process that can open nothing for a while dies of nothing, loses nothing, doubles nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest

from tests.support.installation import Installation
from tests.support.shortage import Gate, everybody, no_descriptors, trouble
from tests.support.waiting import until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "home")
    yield installation
    installation.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with closing(Gate(tmp_path)) as gate:
        yield gate


class Effort:
    """How much of one core a process takes, from now on."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before = self._used()
        self._since = psutil.Process().cpu_times(), os.times().elapsed

    def _used(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    def is_moderate(self) -> bool:
        elapsed = os.times().elapsed - self._since[1]
        return self._used() - self._before < max(1.0, elapsed / 2)


@pytest.mark.parametrize("name", ["supervisor", "nursery", "scheduler", "worker"])
def test_under_load_all_goes_on_once_descriptors_can_be_had_again(place, gate, name):
    place.start(2, 2)
    everyone = until(lambda: everybody(place))
    names = [f"job-{number}" for number in range(12)]
    for each in names:
        place.queue.enqueue(gate.command(each, "exit 0"), id=each, max_retries=0)
    late = place.queue.enqueue("true", delay=1)
    until(lambda: sum(bool(gate.said(each)) for each in names) == 4)
    with ExitStack() as stack:
        for pid in everyone[name]:
            stack.enter_context(no_descriptors(pid))
        efforts = [Effort(pid) for pid in everyone[name]]
        gate.open()
        if name == "worker":
            # What ran has ended and been recorded; of the rest nothing could start or fail.
            until(lambda: sum(place.queue.get(each).state == "completed" for each in names) >= 4)
            until(lambda: place.queue.stats().next_run_at is None)
        else:
            place.queue.wait([*names, late.id], 60)
        place.ctl("enqueue", "--id", "meanwhile", "true")
        assert all(effort.is_moderate() for effort in efforts)
    ended = place.queue.wait([*names, late.id, "meanwhile"], 60)
    assert {(job.state, job.attempts, job.retries) for job in ended} == {("completed", 1, 0)}
    assert {tuple(gate.said(each)) for each in names} == {("begun",)}
    assert everybody(place) == everyone
    assert trouble(place) == []
    for each in names:  # held back, and not given back and forth
        assert len(place.queue.changes(place.queue.get(each))) < 10


def test_a_worker_that_died_is_cleared_up_only_when_its_supervisor_can_look(place, gate):
    [pid] = place.start()
    job = place.queue.enqueue(gate.command("job"), backoff="fixed:0s")
    until(lambda: gate.said("job"))
    supervisor = place.supervisor
    with no_descriptors(supervisor):
        effort = Effort(supervisor)
        place.kill(pid)
        until(lambda: place.queue.supervisor() is not None)
        other = place.queue.enqueue("true", queue="other")
        # Nobody can say whether the first run lives, so the job must not run again.
        for _ in range(20):
            assert place.state(job) == "processing"
            place.ctl("worker", "status")
        assert gate.said("job") == ["begun"]
        assert effort.is_moderate()
    until(lambda: len(gate.said("job")) == 2)
    gate.open()
    ended = place.queue.wait([job.id, other.id], 60)
    assert [(each.state, each.attempts) for each in ended] == [("completed", 2), ("completed", 1)]
    assert gate.said("job") == ["begun", "begun"]
    assert place.supervisor == supervisor


def test_workers_are_born_once_their_nursery_has_descriptors_again(place):
    place.start()
    [nursery] = until(lambda: place.processes("nursery"))
    rows = place.queue.store.want_workers
    with no_descriptors(nursery):
        effort = Effort(nursery)
        holder = place.queue.supervisor()
        assert holder is not None
        [wanted] = rows(holder.id, 1, 1, ("special",), holder.desired)
        job = place.queue.enqueue("true", queue="special")
        until(lambda: "could not begin: Too many open files" in place.note_of(wanted.id))
        assert effort.is_moderate()
    assert place.queue.wait([job.id], 60)[0].state == "completed"
    assert place.processes("nursery") == [nursery]


def test_an_orphaned_worker_without_descriptors_gets_its_caretaker_later(place, gate):
    [pid] = place.start()
    job = place.queue.enqueue(gate.command("job", "exit 0"), max_retries=0)
    until(lambda: gate.said("job"))
    with no_descriptors(pid):
        place.kill(place.supervisor)
        gate.open()
        until(lambda: not place.of_job(job))
        effort = Effort(pid)
        for _ in range(10):
            place.ctl("status")
        assert place.state(job) == "processing"
        assert place.processes("worker") == [pid]
        assert effort.is_moderate()
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, gate.said("job")) == ("completed", 1, ["begun"])
    until(lambda: not place.processes("worker"))


def test_leftovers_end_with_their_command_even_if_nobody_could_look_at_first(place, gate, tmp_path):
    [pid] = place.start()
    there = tmp_path / "there"
    stray = (
        f"setsid sh -c 'trap \"\" TERM; touch {there}; exec sleep 300' & "
        f"while [ ! -e {there} ]; do sleep 0.05; done; exit 0"
    )
    job = place.queue.enqueue(gate.command("job", stray), max_retries=0)
    until(lambda: gate.said("job"))
    with no_descriptors(pid):
        gate.open()
        until(lambda: len(place.of_job(job)) == 1)
        for _ in range(5):
            place.ctl("status")
        assert place.state(job) == "processing"
    assert place.queue.wait([job.id], 60)[0].state == "completed"
    assert place.of_job(job) == []
