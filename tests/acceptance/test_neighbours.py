"""Several homes on one store, several stores in one home, copies: each keeps to what is its own."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from queuectl.domain.fleet import Supervisor
from queuectl.home import wake
from queuectl.processes import control
from queuectl.processes.system import identity
from tests.support.database import raw
from tests.support.installation import COMMAND, Installation
from tests.support.neighbours import lasting
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("soon_missed")


def beats(place: Installation, count: int = 12) -> None:
    """Return once the supervisor has beaten, and so looked around, so many times."""
    seen: set[int] = set()

    def look() -> bool:
        known = place.queue.store.supervisors()
        seen.update(one.heartbeat_at for one in known if place.queue.is_ours(one))
        return len(seen) > count

    until(look, "heartbeats")


def test_a_supervisor_of_a_copy_lets_those_of_the_original_live(
    place: Installation, tmp_path: Path
) -> None:
    [worker] = place.start()
    job, _ = lasting(place)
    copied = tmp_path / "copy.db"
    with (
        closing(sqlite3.connect(place.queue.home.database)) as source,
        closing(sqlite3.connect(copied)) as target,
    ):
        source.backup(target)
    supervisor = place.supervisor
    other = Installation(tmp_path / "other", f"sqlite://{copied}")
    try:
        other.start()
        beats(other)
        other.stop()
    finally:
        other.close()
    assert (place.supervisor, place.state(job)) == (supervisor, "processing")
    assert identity.started(worker)
    assert place.of_job(job)


@pytest.mark.parametrize("restarted", [False, True], ids=["again", "machine-restarted"])
def test_a_run_of_an_earlier_supervisor_of_another_home_is_rescued(
    place: Installation, neighbour: Installation, restarted: bool
) -> None:
    neighbour.start()
    job, _ = lasting(neighbour)
    if not restarted:
        neighbour.kill(neighbour.supervisor)
        neighbour.start()  # leaves the run of the orphan alone
    neighbour.kill_all(job)
    if restarted:
        with raw(place.queue.home.database) as store:
            store.execute("UPDATE supervisors SET boot = 'an earlier one'")
    place.start()
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, ended.retries) == ("completed", 2, 1)
    until(lambda: len(place.queue.workers()) == 1, "the dead workers are written off")


def test_worker_stop_does_not_wait_for_the_dead_of_another_home(
    place: Installation, neighbour: Installation
) -> None:
    neighbour.start()
    neighbour.kill_all()
    assert place.ctl("worker", "stop").stdout == "No workers are running\n"
    place.start()
    assert "stopped" in place.ctl("worker", "stop").stdout


def test_worker_stop_leaves_the_workers_of_another_home_alone(
    place: Installation, neighbour: Installation
) -> None:
    [worker] = neighbour.start()
    place.start()
    place.ctl("worker", "stop")
    assert [row.pid for row in place.queue.workers()] == [worker]
    job = place.queue.enqueue("true")
    assert place.queue.wait([job.id], 60)[0].state == "completed"


def test_a_second_worker_stop_is_one_though_another_home_goes_on(
    place: Installation, neighbour: Installation
) -> None:
    place.queue.set("shutdown_grace", "300")
    place.start()
    job, _ = lasting(place)
    neighbour.start()
    stop = [*COMMAND, "--home", str(place.path), "worker", "stop"]
    with subprocess.Popen(stop, stdout=subprocess.DEVNULL) as first:
        until(lambda: any(row.desired.stops for row in place.queue.workers()), "it stops")
        place.ctl("worker", "stop")
        assert first.wait(60) == 0
    assert place.queue.runs(job)[0].end == "interrupted"
    assert len(place.queue.workers()) == 1


def test_a_home_that_was_moved_while_its_worker_goes_on_is_no_reason_to_run_its_job_again(
    place: Installation, neighbour: Installation, tmp_path: Path
) -> None:
    neighbour.start()
    job = neighbour.queue.enqueue(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done")
    until(lambda: neighbour.of_job(job))
    neighbour.kill(neighbour.supervisor)
    moved = neighbour.path.rename(tmp_path / "moved")
    place.start()
    beats(place)
    assert (place.state(job), place.queue.get(job.id).attempts) == ("processing", 1)
    (tmp_path / "go").touch()
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts) == ("completed", 1)
    until(lambda: not neighbour.processes("worker"), "the orphan ended")
    if not neighbour.path.exists():
        moved.rename(neighbour.path)


def test_restore_is_refused_while_another_home_works_on_the_store(
    place: Installation, neighbour: Installation, tmp_path: Path
) -> None:
    neighbour.start()
    job = neighbour.queue.enqueue("exec sleep 300")
    until(lambda: neighbour.of_job(job))
    place.ctl("backup", str(tmp_path / "backup.tar"))
    restore = ("restore", "--force", str(tmp_path / "backup.tar"))
    assert f"a supervisor of {neighbour.path}" in place.ctl(*restore, code=1).stderr
    neighbour.kill(neighbour.supervisor)
    assert "still running" in place.ctl(*restore, code=1).stderr
    assert place.state(job) == "processing"
    neighbour.kill_all(job)
    assert "1 job was running then" in place.ctl(*restore).stdout


def test_a_store_knows_what_had_begun_though_its_home_served_another_meanwhile(
    place: Installation, tmp_path: Path
) -> None:
    place.start()
    job, _ = lasting(place)
    place.kill_all(job)
    other = Installation(place.path, f"sqlite://{tmp_path / 'other.db'}")
    other.start()
    until(lambda: other.processes("scheduler"))
    swept = other.queue.enqueue("true")
    other.queue.wait([swept.id], 60)
    other.stop()
    other.close()
    place.start()
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, ended.retries) == ("completed", 2, 1)


def want_workers_that_are_not_born(place: Installation) -> tuple[int, Supervisor]:
    """The nursery, which was stopped, and the supervisor that waits for it."""
    [nursery] = place.processes("nursery")
    place.kill(nursery, signal.SIGSTOP)
    holder = place.queue.supervisor()
    assert holder is not None
    place.queue.store.want_workers(holder.id, 2, 1, (), holder.desired)
    wake.ring(place.queue.home.wake)
    return nursery, holder


def test_a_worker_that_is_not_born_does_not_keep_its_supervisor_from_ending(
    place: Installation,
) -> None:
    place.queue.set("kill_grace", "0.1")
    place.start()
    nursery, _ = want_workers_that_are_not_born(place)
    control.stop_workers(place.queue, now=True)
    until(lambda: control.stopped(place.queue), "all stopped")
    assert not identity.started(nursery)


def test_worker_stop_now_ends_an_orphan_that_does_not_answer(place: Installation) -> None:
    place.queue.set("kill_grace", "0.1")
    [worker] = place.start()
    job, _ = lasting(place)
    place.kill(worker, signal.SIGSTOP)
    place.kill(place.supervisor)
    assert "stopped" in place.ctl("worker", "stop", "--now").stdout
    assert not identity.started(worker)
    assert place.of_job(job) == []


def test_a_supervisor_that_is_lost_while_workers_are_being_born_begins_anew(
    place: Installation,
) -> None:
    place.start()
    _, holder = want_workers_that_are_not_born(place)
    place.queue.store.leave(holder.id)
    until(lambda: (now := place.queue.supervisor()) and now.id != holder.id, "it begins anew")
    job = place.queue.enqueue("true")
    assert place.queue.wait([job.id], 60)[0].state == "completed"


def test_a_drain_that_was_cut_off_does_not_say_that_all_is_done(place: Installation) -> None:
    job = place.queue.enqueue("exec sleep 300")
    drain = [*COMMAND, "--home", str(place.path), "worker", "start", "--drain"]
    with subprocess.Popen(drain, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: place.of_job(job), "the run")
        place.kill_all(job)
        said, complaint = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"All jobs are done" not in said
    assert b"the workers were gone before all jobs were done" in complaint
