"""A supervisor that gives no sign of life is ended; one that comes back ends what it runs."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from queuectl.domain.fleet import Desired, Supervisor, WorkerStatus
from queuectl.domain.lifecycle import End, Outcome
from queuectl.home import locks
from queuectl.processes.system import identity
from queuectl.stores.exchange import Demand, Ended
from queuectl.stores.sqlite import patience
from tests.support.installation import Installation
from tests.support.neighbours import LEASE, lasting
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("soon_missed")


def stop(place: Installation, *pids: int) -> None:
    for pid in pids:
        place.kill(pid, signal.SIGSTOP)


def test_what_another_home_runs_is_ended_before_it_runs_again_and_its_word_counts_no_more(
    place: Installation, neighbour: Installation
) -> None:
    [worker] = place.start()
    job, first = lasting(place)
    supervisor = place.supervisor
    stop(place, supervisor, worker)
    neighbour.start()
    [ended] = neighbour.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, ended.retries) == ("completed", 2, 1)
    lost, done = neighbour.queue.runs(job)
    assert (lost.end, lost.error) == ("supervisor died", "supervisor gave no sign of life")
    assert lost.worker != done.worker
    assert not any(identity.started(pid) for pid in (*first, supervisor, worker))


def test_a_supervisor_that_comes_back_ends_its_runs_and_none_of_its_words_is_accepted(
    place: Installation, tmp_path: Path
) -> None:
    [worker] = place.start()
    go = tmp_path / "go"
    job = place.queue.enqueue(f"until [ -e {go} ]; do sleep 0.02; done", max_retries=1)
    until(lambda: place.of_job(job), "the first run")
    old = place.queue.supervisor()
    assert old is not None
    stop(place, old.pid, worker)
    lease = far_away_takes_it_all(place, old)
    go.touch()  # the command ends well, though nobody is there to see it
    until(lambda: not place.of_job(job), "the command ended")
    place.kill(worker, signal.SIGCONT)
    place.kill(old.pid, signal.SIGCONT)
    until(lambda: (now := place.queue.supervisor()) and now.id != old.id, "it begins anew")
    until(lambda: len(place.processes("worker")) == 1, "a worker as before")
    assert place.of_job(job) == []
    current = place.queue.get(job.id)
    assert (current.state, current.lease) == ("processing", lease)
    assert [str(run.end) for run in place.queue.runs(job)] == ["supervisor died", "None"]
    done = Ended(job.row, lease, Outcome(End.EXITED, 0), None, b"")
    place.queue.store.turn("far-away", (), [done])
    assert place.state(job) == "completed"
    far_away_leaves(place)


def far_away_takes_it_all(place: Installation, old: Supervisor) -> int:
    """Have a supervisor of another host fence the old one and claim its job; the new lease."""
    store = place.queue.store
    far = old._replace(id="far-away", host="far-away", home="/", desired=Desired.RUN)
    store.enter(far)
    [row] = store.want_workers(far.id, 1, 1, (), Desired.RUN)
    [holding] = store.holdings()
    assert store.fence(old.id, store.supervisors()[0].heartbeat_at)
    outcome = Outcome(End.SUPERVISOR_DIED, error="supervisor gave no sign of life")
    lost = Ended(holding.row, holding.lease, outcome, None, b"")
    until(lambda: store.turn(far.id, (), [lost]) and True, "it is settled")
    place.queue.retry(holding.id)
    [assignment] = store.turn(far.id, demands=[Demand(row.id, (), 1)]).assignments
    return assignment.lease


def far_away_leaves(place: Installation) -> None:
    store = place.queue.store
    store.leave("far-away")
    for worker in store.workers():
        if worker.supervisor == "far-away":
            store.set_worker(worker.id, WorkerStatus.STOPPED)


def test_worker_start_replaces_a_supervisor_that_does_not_answer(place: Installation) -> None:
    [worker] = place.start()
    job, first = lasting(place)
    old = place.supervisor
    until(lambda: place.processes("scheduler"), "the scheduler has its title")
    helpers = [*place.processes("nursery"), *place.processes("scheduler")]
    stop(place, old, worker, *helpers)
    until(lambda: "no sign of life" in place.ctl("status").stdout, "status tells")
    place.start()
    assert place.supervisor != old
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts) == ("completed", 2)
    assert len(helpers) == 2
    assert not any(identity.started(pid) for pid in (*first, old, worker, *helpers))


def test_worker_stop_ends_a_supervisor_that_does_not_answer(place: Installation) -> None:
    [worker] = place.start()
    job = place.queue.enqueue("exec sleep 300")
    until(lambda: place.of_job(job), "the run")
    stop(place, place.supervisor, worker)
    done = place.ctl("worker", "stop")
    assert done.stdout == "✓ All workers stopped\n"  # not gracefully
    assert "gives no sign of life" in done.stderr
    assert place.of_job(job) == []
    assert not locks.is_held(place.queue.home.supervisor_lock)


def test_a_supervisor_that_was_stopped_for_less_than_a_lease_goes_on(place: Installation) -> None:
    place.queue.set("lease", "60")
    place.start()
    job = place.queue.enqueue("sleep 0.5")
    until(lambda: place.of_job(job), "the run")
    old = place.supervisor
    stop(place, old)
    until(lambda: psutil.Process(old).status() == psutil.STATUS_STOPPED, "it is stopped")
    place.kill(old, signal.SIGCONT)
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, place.supervisor) == ("completed", 1, old)


def test_one_that_was_stopped_in_the_middle_of_a_write_does_not_block_the_others_for_ever(
    place: Installation, neighbour: Installation
) -> None:
    place.start()
    neighbour.start()
    supervisor = place.supervisor
    until(lambda: stop_while_it_writes(place, supervisor), "it was stopped amid a write")
    until(lambda: not identity.started(supervisor), "it was ended")
    job = neighbour.queue.enqueue("true")
    [ended] = neighbour.queue.wait([job.id], 60)
    assert ended.state == "completed"


def stop_while_it_writes(place: Installation, supervisor: int) -> bool:
    """Stop the supervisor; whether it holds the lock of the store now, else it goes on."""
    place.kill(supervisor, signal.SIGSTOP)
    until(lambda: psutil.Process(supervisor).status() == psutil.STATUS_STOPPED)
    if supervisor in writers(place):
        return True
    place.kill(supervisor, signal.SIGCONT)
    place.queue.enqueue("true")
    return False


def writers(place: Installation) -> list[int]:
    """Who holds the write lock: byte 120 of the shared memory file, by SQLite's file format."""
    inode = Path(f"{place.queue.home.database}-shm").stat().st_ino
    return [
        int(fields[4])
        for fields in map(str.split, Path("/proc/locks").read_text().splitlines())
        if fields[3] == "WRITE" and fields[5].endswith(f":{inode}") and fields[6] == "120"
    ]


@pytest.mark.parametrize("deed", ["start", "stop"])
def test_commands_get_past_one_that_was_stopped_in_the_middle_of_a_write(
    place: Installation, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LIMIT", 3.0)
    place.start()
    supervisor = place.supervisor
    until(lambda: stop_while_it_writes(place, supervisor), "it was stopped amid a write")
    getattr(place, deed)()
    assert not identity.started(supervisor)


def test_what_a_dead_supervisor_left_running_is_let_end_whoever_is_near(
    place: Installation, neighbour: Installation, tmp_path: Path
) -> None:
    [worker] = place.start()
    go = tmp_path / "go"
    job = place.queue.enqueue(f"until [ -e {go} ]; do sleep 0.02; done")
    until(lambda: place.of_job(job), "the run")
    died = place.queue.supervisor()
    assert died is not None
    place.kill(died.pid)
    neighbour.start()
    beats_for_longer_than_a_lease(neighbour)
    assert identity.started(worker)
    go.touch()
    [ended] = neighbour.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, ended.lease) == ("completed", 1, 1)
    until(lambda: died.id not in names_of_active(neighbour), "it is written down as ended")
    until(lambda: len(neighbour.queue.workers()) == 1, "its worker is, too")


def beats_for_longer_than_a_lease(place: Installation) -> None:
    """Return once the supervisor has looked at the others for as long as it would bear silence."""
    count = 2 * LEASE / 0.2
    seen: set[int] = set()

    def look() -> bool:
        seen.add(next(one.heartbeat_at for one in living(place) if place.queue.is_ours(one)))
        return len(seen) > count

    until(look, "heartbeats")


def living(place: Installation) -> list[Supervisor]:
    return [one for one in place.queue.store.supervisors() if one.ended_at is None]


def names_of_active(place: Installation) -> set[str]:
    return {one.id for one in living(place)}


def test_a_command_that_lasts_for_three_leases_starts_once(
    place: Installation, neighbour: Installation
) -> None:
    place.start()
    neighbour.start()
    job = place.queue.enqueue(f"sleep {3 * LEASE}")
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts, ended.lease) == ("completed", 1, 1)


def test_where_all_of_a_home_is_dead_a_neighbour_rescues_its_jobs(
    place: Installation, neighbour: Installation
) -> None:
    [worker] = place.start()
    job, first = lasting(place)
    supervisor = place.supervisor
    for pid in (worker, supervisor, *place.processes("nursery"), *place.processes("scheduler")):
        place.kill(pid)
    neighbour.start()
    [ended] = neighbour.queue.wait([job.id], 60)
    assert (ended.state, ended.attempts) == ("completed", 2)
    assert neighbour.runs(job) == ["supervisor died", "exited"]
    assert not any(identity.started(pid) for pid in first)
    until(lambda: len(neighbour.queue.workers()) == 1, "the dead worker is written off")


def test_worker_stop_waits_for_what_a_dead_supervisor_left_running_for_as_long_as_it_takes(
    place: Installation,
) -> None:
    place.queue.set("shutdown_grace", "60")
    [worker] = place.start()
    job = place.queue.enqueue(f"sleep {3 * LEASE}")
    until(lambda: place.of_job(job), "the run")
    place.kill(place.supervisor)
    assert "stopped" in place.ctl("worker", "stop").stdout
    assert (place.state(job), place.runs(job)) == ("completed", ["exited"])
    assert not identity.started(worker)
