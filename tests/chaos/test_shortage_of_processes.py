"""Where the system gives no more processes jobs wait, unharmed, and all comes back by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.installation import COMMAND, Installation
from tests.support.one_shot import OneShot
from tests.support.shortage import Gate, Pids, bounded_pids, everybody, trouble
from tests.support.waiting import until


@pytest.fixture
def group() -> Iterator[Pids]:
    with bounded_pids() as group:
        yield group


@pytest.fixture
def place(tmp_path: Path, group: Pids) -> Iterator[Installation]:
    installation = Installation(tmp_path / "home")
    yield installation
    group.open()
    installation.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with closing(Gate(tmp_path)) as gate:
        yield gate


def enter(group: Pids, place: Installation) -> dict[str, list[int]]:
    everyone = until(lambda: everybody(place))
    group.add(*(pid for pids in everyone.values() for pid in pids))
    return everyone


def test_jobs_wait_unharmed_until_there_can_be_processes_again(group, place):
    place.start(2, 2)
    everyone = enter(group, place)
    group.close()
    jobs = [place.queue.enqueue("true", max_retries=0) for _ in range(20)]
    program = place.queue.enqueue(args=["true"], max_retries=0)
    until(lambda: any(place.state(job) == "processing" for job in jobs))
    for _ in range(10):
        place.ctl("status")
    assert {place.state(job) for job in jobs} <= {"pending", "processing"}
    group.open()
    ended = place.queue.wait([job.id for job in (*jobs, program)], 60)
    assert {(job.state, job.attempts, job.retries) for job in ended} == {("completed", 1, 0)}
    assert everybody(place) == everyone
    for job in ended:  # held back, and not given back and forth
        assert len(place.queue.changes(job)) < 10


@pytest.mark.parametrize("name", ["worker", "scheduler", "nursery"])
def test_a_process_that_dies_is_replaced_once_there_can_be_processes_again(
    group, place, gate, name
):
    place.start(2)
    everyone = enter(group, place)
    job = place.queue.enqueue(gate.command("job"), backoff="fixed:0s")
    until(lambda: gate.said("job"))
    group.close()
    for pid in everyone[name]:
        place.kill(pid)
    gate.open()
    for _ in range(10):
        place.ctl("status")
    assert place.processes("supervisor") == everyone["supervisor"]
    group.open()
    until(lambda: len(place.processes(name)) == len(everyone[name]))
    late = place.queue.enqueue("true", delay=0.2)
    ended = place.queue.wait([job.id, late.id], 60)
    assert {each.state for each in ended} == {"completed"}
    assert "doubled" not in gate.said("job")
    assert trouble(place) == []


def test_workers_that_are_wanted_meanwhile_are_born_later(group, place):
    place.start()
    everyone = enter(group, place)
    group.close()
    holder = place.queue.supervisor()
    assert holder is not None
    [wanted] = place.queue.store.want_workers(holder.id, 1, 1, ("special",), holder.desired)
    job = place.queue.enqueue("true", queue="special")
    cause = "could not begin: Resource temporarily unavailable"
    until(lambda: cause in place.note_of(wanted.id))
    group.open()
    assert place.queue.wait([job.id], 60)[0].state == "completed"
    assert place.processes("nursery") == everyone["nursery"]


def test_a_nursery_that_cannot_fork_keeps_no_descriptor_of_its_attempts(group, place):
    place.start()
    [nursery] = enter(group, place)["nursery"]
    descriptors = Path(f"/proc/{nursery}/fd")
    before = len(list(descriptors.iterdir()))
    group.close()
    holder = place.queue.supervisor()
    assert holder is not None
    wanted = place.queue.store.want_workers(holder.id, 8, 1, (), holder.desired)
    until(lambda: all("could not begin" in place.note_of(each.id) for each in wanted))
    assert len(list(descriptors.iterdir())) == before
    group.open()
    until(lambda: len(place.processes("worker")) == 9)


def test_an_orphaned_worker_gets_its_caretaker_once_there_can_be_processes(group, place, gate):
    [worker] = place.start()
    enter(group, place)
    job = place.queue.enqueue(gate.command("job", "exit 0"), max_retries=0)
    until(lambda: gate.said("job"))
    place.kill(place.supervisor)
    until(lambda: not place.processes("nursery") and not place.processes("scheduler"))
    [caretaker] = until(lambda: place.processes("caretaker"))
    group.close()
    place.kill(caretaker)
    gate.open()
    until(lambda: not place.of_job(job))
    for _ in range(10):
        place.ctl("status")
    assert place.processes("worker") == [worker]
    group.open()
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, gate.said("job")) == ("completed", 1, ["begun"])


def test_a_command_that_needs_another_process_is_refused_in_one_line(group, place):
    one_shot = OneShot(place.path)
    one_shot.argv = group.argv(*COMMAND, "--home", str(place.path))
    done = one_shot.attempt("worker", "start", "--count", "1")
    assert done.code == 1
    [line] = done.err.splitlines()
    assert line.startswith("queuectl: error: the supervisor cannot be started: ")
    assert line.endswith("Resource temporarily unavailable")
    assert one_shot("enqueue", "--id", "kept", "true").code == 0
    group.open()
    place.start()
    assert place.queue.wait(["kept"], 60)[0].state == "completed"
