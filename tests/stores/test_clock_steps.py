"""A wall clock that is set: waits go on as if it had not been, and nobody grows old by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from queuectl.domain.lifecycle import State
from queuectl.domain.timing import SECOND
from queuectl.stores.contract import Store
from queuectl.stores.sqlite.store import SqliteStore
from tests.stores.scene import (
    DELAY,
    FAILURE,
    SUCCESS,
    FakeClock,
    Scene,
    StoreFactory,
    audit,
    ids,
    on_sqlite,
    spec,
)

DAY = 86_400
STEPS = [DAY, -DAY, 3, -3, 365 * DAY, -365 * DAY]
BOTH_WAYS = pytest.mark.parametrize("step", STEPS)


# Elsewhere only the clock of the database counts.
pytestmark = on_sqlite


@pytest.fixture
def other(store: Store, open_again: StoreFactory) -> Iterator[Store]:
    """Another process on the same store."""
    with open_again() as other:
        yield other


def failed(scene: Scene) -> None:
    """Two jobs that wait ten seconds: one before its retry, one from its enqueue on."""
    scene.enqueue(spec("failed"))
    scene.run(FAILURE)
    scene.enqueue(spec("delayed", delay=DELAY))


def due_in(scene: Scene, job_id: str) -> float:
    return (scene.store.get(job_id).run_at - scene.clock.instant) / SECOND


@BOTH_WAYS
def test_a_wait_goes_on_for_as_long_as_it_would_have(
    scene: Scene, clock: FakeClock, step: float
) -> None:
    failed(scene)
    clock.advance(4)
    clock.step(step)
    assert scene.store.promote() == 0
    assert (due_in(scene, "failed"), due_in(scene, "delayed")) == (6, 6)
    clock.advance(5.999999)
    assert scene.store.promote() == 0
    clock.advance(0.000001)
    assert scene.store.promote() == 2


@BOTH_WAYS
def test_a_turn_claims_nothing_early_and_nothing_late_after_a_step(
    scene: Scene, clock: FakeClock, step: float
) -> None:
    failed(scene)
    clock.step(step)
    assert scene.claim(9) == []
    clock.advance(DELAY)
    assert [each.id for each in scene.claim(9)] == ["failed", "delayed"]


@BOTH_WAYS
def test_a_time_that_a_person_named_stays(scene: Scene, clock: FakeClock, step: float) -> None:
    named = clock.instant + 60 * SECOND
    scene.enqueue(spec("named", run_at=named), spec("ready"))
    since = clock.instant
    clock.step(step)
    assert scene.store.promote() == (step >= 60)
    assert scene.store.get("named").run_at == named
    assert scene.store.get("ready").run_at == since


@BOTH_WAYS
def test_of_several_processes_one_follows_a_step(
    scene: Scene, other: Store, clock: FakeClock, step: float
) -> None:
    failed(scene)
    other.promote()
    clock.step(step)
    for store in (other, scene.store, other):
        assert store.promote() == 0
    assert due_in(scene, "failed") == DELAY


@BOTH_WAYS
def test_a_process_that_slept_through_a_step_and_its_reversal_moves_nothing(
    scene: Scene, other: Store, clock: FakeClock, step: float
) -> None:
    failed(scene)
    clock.step(step)
    other.promote()
    clock.step(-step)
    # To this connection the clocks look as they always did.
    scene.enqueue(spec("late", delay=5))
    other.promote()
    assert (due_in(scene, "failed"), due_in(scene, "late")) == (DELAY, 5)


@BOTH_WAYS
def test_what_is_enqueued_after_a_step_that_nobody_has_noticed_is_not_moved_by_it(
    scene: Scene, other: Store, clock: FakeClock, step: float
) -> None:
    failed(scene)
    clock.step(step)
    scene.enqueue(spec("late", delay=5))
    for store in (other, scene.store):
        store.promote()
    assert (due_in(scene, "failed"), due_in(scene, "late")) == (DELAY, 5)
    assert scene.store.get("late").created_at == clock.instant


@BOTH_WAYS
def test_a_run_that_fails_after_a_step_waits_from_then_on(
    scene: Scene, other: Store, clock: FakeClock, step: float
) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    clock.step(step)
    scene.end(assignment, FAILURE)
    other.promote()
    assert due_in(scene, "job") == DELAY


@BOTH_WAYS
def test_a_step_while_no_process_has_the_store_open_is_followed_by_the_next(
    open_again: StoreFactory, clock: FakeClock, step: float
) -> None:
    with open_again() as store:
        failed(Scene(store, clock))
    clock.advance(4)
    clock.step(step)
    with open_again() as store:
        assert (store.get("failed").run_at - clock.instant) == 6 * SECOND
        assert store.promote() == 0
        clock.advance(6)
        assert store.promote() == 2
        audit(store)


def test_steps_there_and_back_and_there_again_cancel_out(scene: Scene, clock: FakeClock) -> None:
    failed(scene)
    for step in (DAY, -DAY, DAY, -2 * DAY):
        clock.advance(1)
        clock.step(step)
        assert scene.store.promote() == 0
    assert due_in(scene, "failed") == 6


def test_small_corrections_are_followed_once_they_add_up(scene: Scene, clock: FakeClock) -> None:
    failed(scene)
    for left in (9.5, 9, 8.5, 8):
        clock.step(0.5)
        scene.store.promote()
        assert due_in(scene, "failed") == left
    clock.advance(120)  # notes where the clocks are, which is not where they were
    scene.enqueue(spec("late", delay=DELAY))
    clock.step(0.5)
    scene.store.promote()
    assert due_in(scene, "late") == DELAY + 2


def test_time_that_passes_is_no_step(scene: Scene, clock: FakeClock) -> None:
    failed(scene)
    for _ in range(5):
        due = scene.store.get("failed").run_at
        clock.advance(1.9)
        assert scene.store.get("failed").run_at == due
        scene.store.promote()


def test_a_batch_that_is_refused_undoes_what_it_followed_and_the_next_does_it(
    scene: Scene, other: Store, clock: FakeClock
) -> None:
    failed(scene)
    clock.step(DAY)
    with pytest.raises(RuntimeError, match="half"):
        scene.store.add(_half_a_batch())
    assert due_in(scene, "failed") == DELAY
    other.promote()
    assert due_in(scene, "failed") == DELAY


def _half_a_batch() -> Iterator[object]:
    yield spec()
    raise RuntimeError("half")


def test_reading_shows_the_waits_as_they_go_on(scene: Scene, clock: FakeClock) -> None:
    failed(scene)
    clock.step(-DAY)
    assert scene.store.next_due() == clock.instant + round(DELAY * SECOND)


def test_a_store_that_cannot_be_written_can_be_read_after_a_step(
    scene: Scene, clock: FakeClock
) -> None:
    failed(scene)
    due = scene.store.next_due()
    assert isinstance(scene.store, SqliteStore)
    scene.store._connection.pragma("query_only", True)
    clock.step(DAY)
    assert scene.store.next_due() == due
    scene.store._connection.pragma("query_only", False)
    assert due_in(scene, "failed") == DELAY


def test_after_a_restart_of_the_machine_the_time_it_was_off_has_passed(
    scene: Scene, open_again: StoreFactory, clock: FakeClock
) -> None:
    failed(scene)
    clock.reboot(8)
    with open_again() as store:
        assert store.promote() == 0
        assert store.next_due() == clock.instant + 2 * SECOND
        clock.step(DAY)
        assert store.next_due() == clock.instant + 2 * SECOND
        clock.reboot(3600)
    with open_again() as store:
        assert store.promote() == 2


def test_a_clock_that_is_behind_after_a_restart_starves_nothing(
    scene: Scene, open_again: StoreFactory, clock: FakeClock
) -> None:
    failed(scene)
    clock.reboot(-20 * 365 * DAY)  # without a battery, until the network knows better
    with open_again() as store:
        assert store.next_due() == clock.instant + round(DELAY * SECOND)
        clock.advance(3)
        clock.step(20 * 365 * DAY + 600)
        assert store.promote() == 0
        assert store.next_due() == clock.instant + 7 * SECOND
        clock.advance(7)
        assert store.promote() == 2


@BOTH_WAYS
def test_a_step_makes_no_living_supervisor_silent_and_no_silent_one_alive(
    scene: Scene, clock: FakeClock, step: float
) -> None:
    store = scene.store
    store.beat("supervisor", None)
    clock.advance(7)
    clock.step(step)
    (known,) = store.supervisors()
    assert clock.instant - known.heartbeat_at == 7 * SECOND
    store.promote()
    (known,) = store.supervisors()
    assert clock.instant - known.heartbeat_at == 7 * SECOND


def ended(scene: Scene, *job_ids: str) -> None:
    for job_id in job_ids:
        scene.enqueue(spec(job_id))
        scene.run(SUCCESS)


def pruned(store: Store, days: float) -> list[int]:
    return sorted(lease.row for lease in store.prune(round(days * DAY * SECOND), None, 99))


@pytest.mark.parametrize("step", [365 * DAY, DAY, 3, -3, -DAY, -365 * DAY])
def test_a_step_makes_no_ended_job_old_enough_to_be_pruned(
    scene: Scene, clock: FakeClock, step: float
) -> None:
    ended(scene, "before")
    clock.advance(DAY)
    clock.step(step)
    assert pruned(scene.store, 2) == []
    ended(scene, "after")
    clock.advance(0.9 * DAY)
    assert pruned(scene.store, 2) == []
    clock.advance(0.2 * DAY)
    assert pruned(scene.store, 2) == ([1] if step > -DAY else [])
    clock.advance(2 * DAY + max(0, -step))
    assert pruned(scene.store, 2) == ([2] if step > -DAY else [1, 2])


def test_a_clock_set_forward_and_back_prunes_as_if_it_had_not_been(
    scene: Scene, clock: FakeClock
) -> None:
    ended(scene, "before")
    clock.step(365 * DAY)
    ended(scene, "meanwhile")
    clock.advance(DAY)
    clock.step(-365 * DAY)
    ended(scene, "after")
    clock.advance(1.5 * DAY)
    assert pruned(scene.store, 2) == [1]
    clock.advance(DAY)
    assert pruned(scene.store, 2) == [3]


def test_a_clock_set_back_and_forward_keeps_what_ended_meanwhile(
    scene: Scene, clock: FakeClock
) -> None:
    clock.step(-365 * DAY)
    ended(scene, "meanwhile")
    clock.advance(DAY)
    clock.step(365 * DAY)
    assert pruned(scene.store, 2) == []
    clock.advance(1.5 * DAY)
    assert pruned(scene.store, 2) == [1]


def test_a_year_off_counts_a_day_towards_the_age_of_ended_jobs(
    scene: Scene, open_again: StoreFactory, clock: FakeClock
) -> None:
    ended(scene, "before")
    clock.reboot(365 * DAY)
    with open_again() as store:
        assert pruned(store, 2) == []
        clock.advance(0.9 * DAY)
        assert pruned(store, 2) == []
        clock.advance(0.2 * DAY)
        assert pruned(store, 2) == [1]


def test_many_steps_are_remembered_as_few_and_none_too_lightly(
    scene: Scene, clock: FakeClock
) -> None:
    ended(scene, "before")
    for _ in range(200):
        clock.advance(60)
        clock.step(10 * DAY)
        assert pruned(scene.store, 2) == []
    assert isinstance(scene.store, SqliteStore)
    assert len(scene.store._read_meta()["clock_steps"]) < 2000
    clock.advance(2 * DAY)
    assert pruned(scene.store, 2) == [1]


def test_runs_that_ended_in_what_is_now_the_future_are_no_sample_of_the_last_hour(
    scene: Scene, clock: FakeClock
) -> None:
    ended(scene, "before")
    clock.step(-DAY)
    ended(scene, "after")
    (sample,) = scene.store.samples(clock.instant - 3600 * SECOND, 9)
    assert (sample.ended_at, sample.run) == (clock.instant, 1.5)


@BOTH_WAYS
def test_a_run_is_as_long_as_it_was_measured_whatever_the_wall_clock_did(
    scene: Scene, clock: FakeClock, step: float
) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    clock.step(step)
    scene.end(assignment, SUCCESS, seconds=1.5)
    job = scene.store.get("job")
    assert (job.duration, scene.store.runs(job.row)[0].duration) == (1.5, 1.5)


def test_where_a_system_has_no_eras_nothing_is_followed(
    scene: Scene, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeClock, "era", "")
    failed(scene)
    clock.step(DAY)
    assert scene.store.promote() == 2
    assert scene.state("failed") is State.PENDING
    assert scene.store.cancel(ids("failed")).ended == 1
