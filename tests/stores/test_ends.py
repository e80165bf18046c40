"""Ends of runs, and what they make of their jobs."""

from __future__ import annotations

import pytest

from queuectl.domain.fleet import WorkerStatus
from queuectl.domain.lifecycle import End, Event, Outcome, State
from queuectl.domain.retry import Backoff, Strategy
from queuectl.domain.timing import SECOND
from queuectl.stores.exchange import Demand, Ended, Lease
from tests.stores.scene import (
    CANCELLED,
    FAILURE,
    INTERRUPTED,
    RETURNED,
    SUCCESS,
    FakeClock,
    Scene,
    ids,
    spec,
)

OUTCOMES = [SUCCESS, FAILURE, INTERRUPTED, RETURNED, CANCELLED]


def test_a_success_completes_the_job(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    clock.advance(3)
    ((lease, decision),) = scene.end(assignment, SUCCESS, seconds=2.75).decided
    assert lease == Lease(assignment.row, assignment.lease)
    assert (decision.event, decision.state) == (Event.SUCCEED, State.COMPLETED)
    job = scene.store.get("job")
    assert (job.state, job.finished_at, job.exit_code) == (State.COMPLETED, clock.instant, 0)
    assert (job.error, job.retries, job.attempts, job.duration) == (None, 0, 1, 2.75)
    (run,) = scene.store.runs(job.row)
    assert (run.end, run.exit_code, run.ended_at) == (End.EXITED, 0, clock.instant)


def test_a_failure_waits_for_its_retry(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.run(FAILURE)
    job = scene.store.get("job")
    assert (job.state, job.retries, job.attempts) == (State.FAILED, 1, 1)
    assert (job.run_at, job.finished_at) == (clock.instant + 10 * SECOND, None)
    assert (job.exit_code, job.signal, job.error) == (1, None, "exit code 1")
    (run,) = scene.store.runs(assignment.row)
    assert (run.exit_code, run.error) == (1, "exit code 1")


def test_backoff_grows_with_the_retries_and_jitter_is_up_to_chance(
    scene: Scene, clock: FakeClock
) -> None:
    backoff = Backoff(Strategy.EXPONENTIAL, base=3, max=20, jitter=0.5)
    scene.enqueue(spec("job", backoff=backoff, max_retries=4))
    waits = []
    for _ in range(3):
        (assignment,) = scene.claim()
        ended = Ended(assignment.row, assignment.lease, FAILURE, 1.0, b"")
        scene.store.turn("supervisor", (), [ended], chance=lambda: 0.5)
        waits.append((scene.store.get("job").run_at - clock.instant) / SECOND)
        clock.advance(waits[-1])
    assert waits == [3.75, 11.25, 20]


def test_a_job_that_always_fails_runs_once_and_max_retries_times_and_is_dead(
    scene: Scene, clock: FakeClock
) -> None:
    scene.enqueue(spec("job", max_retries=2))
    for _ in range(3):
        assert len(scene.run(FAILURE)) == 1
        clock.advance(10)
    job = scene.store.get("job")
    assert (job.state, job.retries, job.attempts) == (State.DEAD, 2, 3)
    assert job.finished_at is not None
    assert scene.claim() == []


def test_an_interrupted_run_is_not_charged_but_kept(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(spec("job", max_retries=0))
    clock.advance(5)
    scene.run(INTERRUPTED)
    job = scene.store.get("job")
    assert (job.state, job.retries, job.attempts) == (State.PENDING, 0, 1)
    assert job.run_at == clock.instant
    assert [run.end for run in scene.store.runs(job.row)] == [End.INTERRUPTED]
    (assignment,) = scene.claim()
    assert (assignment.lease, assignment.attempt) == (2, 2)


def test_a_returned_run_leaves_no_attempt_behind(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(spec("job"))
    before = scene.store.get("job")
    scene.run(RETURNED)
    job = scene.store.get("job")
    assert job == before._replace(lease=1)
    assert scene.store.runs(job.row) == []
    assert scene.moves("job") == [State.PENDING, State.PROCESSING, State.PENDING]
    (assignment,) = scene.claim()
    assert (assignment.lease, assignment.attempt) == (2, 1)


def test_a_returned_run_leaves_the_attempt_before_it_as_it_was(
    scene: Scene, clock: FakeClock
) -> None:
    scene.enqueue(spec("job"))
    scene.run(FAILURE)
    clock.advance(10)
    scene.store.promote()
    before = scene.store.get("job")
    clock.advance(1)
    scene.run(RETURNED)
    assert scene.store.get("job") == before._replace(lease=2, run_at=clock.instant)
    assert [run.lease for run in scene.store.runs(before.row)] == [1]


def test_a_returned_run_does_not_bring_back_an_error_that_a_retry_cleared(scene: Scene) -> None:
    before = scene.job_in(State.DEAD, "job")
    scene.store.retry(ids("job"))
    scene.run(RETURNED)
    job = scene.store.get("job")
    assert (job.exit_code, job.error, job.worker) == (None, None, before.worker)


@pytest.mark.parametrize("outcome", [FAILURE, INTERRUPTED, RETURNED, CANCELLED])
def test_a_wished_end_cancels_whatever_the_outcome(scene: Scene, outcome: Outcome) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    scene.store.cancel(ids("job"))
    scene.end(assignment, outcome)
    job = scene.store.get("job")
    assert job.state is State.CANCELLED
    assert job.attempts == (0 if outcome is RETURNED else 1)


def test_a_success_completes_though_its_end_was_wished(scene: Scene) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    scene.store.cancel(ids("job"))
    scene.end(assignment, SUCCESS)
    assert scene.state("job") is State.COMPLETED


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_end_of_an_old_lease_is_refused_and_changes_nothing(
    scene: Scene, clock: FakeClock, outcome: Outcome
) -> None:
    scene.enqueue(spec("job"))
    (old,) = scene.run(INTERRUPTED)
    (current,) = scene.claim()
    before = scene.store.get("job"), scene.store.runs(old.row), scene.store.changes(old.row)
    clock.advance(1)
    turn = scene.end(old, outcome, output=b"late")
    assert (turn.decided, turn.refused) == ([], [Lease(old.row, old.lease)])
    after = scene.store.get("job"), scene.store.runs(old.row), scene.store.changes(old.row)
    assert after == before
    assert scene.store.output(old.row, old.lease) is None
    assert scene.end(current, SUCCESS).refused == []


@pytest.mark.parametrize("first", OUTCOMES)
@pytest.mark.parametrize("second", OUTCOMES)
def test_a_run_ends_once(scene: Scene, first: Outcome, second: Outcome) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.run(first)
    before = scene.store.get("job")
    assert scene.end(assignment, second).decided == []
    assert scene.store.get("job") == before


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE])
def test_one_end_told_twice_in_one_turn_counts_once(scene: Scene, outcome: Outcome) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    ended = Ended(assignment.row, assignment.lease, outcome, 2.0, b"output")
    turn = scene.store.turn("supervisor", (), [ended, ended])
    assert len(turn.decided) == len(turn.refused) == 1
    worker = scene.store.worker(scene.worker)
    assert (worker.processed, worker.busy_seconds) == (1, 2.0)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_end_of_a_removed_job_is_refused(scene: Scene, outcome: Outcome) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.run(SUCCESS)
    scene.store.remove(ids("job"))
    assert scene.end(assignment, outcome).refused == [Lease(assignment.row, assignment.lease)]


def test_a_start_is_kept_and_that_of_an_old_lease_is_not(scene: Scene) -> None:
    scene.enqueue(spec("job"))
    (old,) = scene.run(INTERRUPTED)
    scene.claim()
    scene.start(old, pid=66)
    (holding,) = scene.store.holdings()
    scene.start(old._replace(lease=holding.lease), pid=77)
    first, second = scene.store.runs(old.row)
    assert (first.pid, second.pid, second.pid_started) == (None, 77, 70)


def test_many_ends_of_all_kinds_share_one_turn(scene: Scene) -> None:
    scene.enqueue(*(spec(f"job{n}") for n in range(10)))
    assignments = scene.claim(10)
    ends = [
        Ended(assignment.row, assignment.lease, OUTCOMES[n % 5], 1.0, b"")
        for n, assignment in enumerate(assignments)
    ]
    turn = scene.store.turn("supervisor", (), [*ends, ends[0]._replace(lease=9)])
    assert sorted(turn.decided)[3][1].state is State.PENDING
    assert len(turn.decided) == 10
    assert turn.refused == [Lease(assignments[0].row, 9)]
    expected = [
        State.COMPLETED,
        State.FAILED,
        State.PENDING,
        State.PENDING,
        State.CANCELLED,
    ]
    assert [scene.state(f"job{n}") for n in range(10)] == expected * 2
    # Those that were returned are no work that the worker did.
    assert scene.store.worker(scene.worker).processed == 8


def test_output_is_kept_where_the_end_says(scene: Scene) -> None:
    scene.enqueue(spec(), spec(), spec())
    for assignment, output in zip(scene.claim(3), (b"kept\0", None, b""), strict=True):
        scene.end(assignment, SUCCESS, output=output)
    store = scene.store
    assert [store.runs(row)[0].output for row in (1, 2, 3)] == ["store", "file", "none"]
    assert [store.output(row, 1) for row in (1, 2, 3)] == [b"kept\0", None, None]
    assert store.output(9, 9) is None


def test_workers_are_credited_with_what_they_ran(scene: Scene) -> None:
    scene.enqueue(spec(), spec(), spec(), spec())
    for assignment, seconds in zip(scene.claim(4), (1.5, 2.25, None, 4.0), strict=True):
        scene.end(assignment, RETURNED if seconds == 4.0 else FAILURE, seconds=seconds)
    worker = scene.store.worker(scene.worker)
    assert (worker.processed, worker.busy_seconds) == (3, 3.75)


def test_the_work_of_a_supervisor_includes_that_of_workers_which_are_gone(scene: Scene) -> None:
    assert scene.store.work_done("supervisor") == (0, 0.0)
    scene.enqueue(spec(), spec())
    (other,) = scene.hire(1)
    for worker, seconds in ((scene.worker, 1.5), (other, 2.25)):
        (assignment,) = scene.demand(Demand(worker, (), 1))
        scene.end(assignment, SUCCESS, seconds=seconds)
    scene.store.set_worker(other, WorkerStatus.DIED)
    assert scene.store.work_done("supervisor") == (2, 3.75)
    assert scene.store.work_done("stranger") == (0, 0.0)


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        (SUCCESS, True),
        (FAILURE, True),
        (Outcome(End.SIGNALED, None, 9, "signal 9"), True),
        (Outcome(End.TIMED_OUT, None, 9, "timed out"), True),
        (Outcome(End.WORKER_DIED, None, None, "worker died"), False),
        (INTERRUPTED, False),
        (CANCELLED, False),
        (RETURNED, False),
    ],
)
def test_samples_are_commands_that_ran_to_an_end_of_their_own(
    scene: Scene, clock: FakeClock, outcome: Outcome, counted: bool
) -> None:
    scene.enqueue(spec(queue="q"))
    (assignment,) = scene.claim()
    clock.advance(4)
    scene.end(assignment, outcome, seconds=3.5)
    samples = scene.store.samples(clock.instant - 1, 10)
    assert [(each.queue, each.ended_at, each.run) for each in samples] == (
        [("q", clock.instant, 3.5)] if counted else []
    )
    assert [each.succeeded for each in samples] == ([outcome.succeeded] if counted else [])


def test_the_latest_samples_are_taken(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(*(spec() for _ in range(4)))
    for assignment in scene.claim(4):
        clock.advance(1)
        scene.end(assignment, SUCCESS, seconds=None)
    samples = scene.store.samples(clock.instant - 3 * SECOND, 2)
    assert [each.run for each in samples] == [4.0, 3.0]
    assert len(scene.store.samples(clock.instant - 3 * SECOND, 10)) == 3


def test_nothing_is_recorded_by_an_empty_turn(scene: Scene) -> None:
    assert scene.store.turn("supervisor") == ([], [], [])
