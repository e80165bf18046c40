"""What people wish of jobs: that they end, run again, or go away."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import NoSuchJob, WrongState
from queuectl.domain.lifecycle import Event, State, sources
from queuectl.domain.selection import Selection
from queuectl.stores.exchange import Cancelled, Lease
from tests.stores.scene import ALL, FAILURE, SUCCESS, FakeClock, Scene, ids, spec

REACHABLE: list[State] = [state for state in State if state is not State.BLOCKED]
CANCELLABLE: list[State] = [state for state in REACHABLE if state in sources(Event.CANCEL)]
RETRIABLE: list[State] = [state for state in REACHABLE if state in sources(Event.RETRY)]
REMOVABLE: list[State] = [state for state in REACHABLE if state is not State.PROCESSING]
ALLOWED: dict[str, list[State]] = {"cancel": CANCELLABLE, "retry": RETRIABLE, "remove": REMOVABLE}


def snapshot(scene: Scene) -> list[object]:
    jobs = list(scene.store.find(ALL))
    return [*jobs, *(scene.store.changes(job.row) for job in jobs), scene.store.tallies()]


@pytest.mark.parametrize("state", CANCELLABLE)
def test_cancel_ends_what_waits_and_wishes_the_end_of_what_runs(
    scene: Scene, clock: FakeClock, state: State
) -> None:
    before = scene.job_in(state, "job")
    clock.advance(1)
    cancelled = scene.store.cancel(ids("job"))
    job = scene.store.get("job")
    if state is State.PROCESSING:
        assert cancelled == Cancelled(0, 1)
        assert job == before._replace(cancel_requested=True)
        assert scene.store.cancel(ids("job")) == Cancelled(0, 1)
        return
    assert cancelled == Cancelled(1, 0)
    assert (job.state, job.finished_at) == (State.CANCELLED, clock.instant)
    assert (job.attempts, job.retries) == (before.attempts, before.retries)
    last = scene.store.changes(job.row)[-1]
    assert (last.at, last.before, last.reason) == (clock.instant, state, "cancelled by a person")


@pytest.mark.parametrize("state", RETRIABLE)
def test_retry_makes_a_job_pending_now_and_goes_on_counting_attempts(
    scene: Scene, clock: FakeClock, state: State
) -> None:
    before = scene.job_in(state, "job")
    clock.advance(1)
    assert scene.store.retry(ids("job")) == 1
    job = scene.store.get("job")
    assert (job.state, job.retries, job.run_at) == (State.PENDING, 0, clock.instant)
    assert (job.finished_at, job.exit_code, job.signal, job.error) == (None,) * 4
    assert (job.attempts, job.lease) == (before.attempts, before.lease)
    last = scene.store.changes(job.row)[-1]
    assert (last.at, last.before, last.reason) == (clock.instant, state, "retried by a person")
    (assignment,) = scene.claim(1)
    assert assignment.attempt == before.attempts + 1


def test_a_retried_job_has_forgotten_that_its_end_was_wished(scene: Scene) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    scene.store.cancel(ids("job"))
    scene.end(assignment, FAILURE)
    scene.store.retry(ids("job"))
    scene.run(FAILURE)
    assert scene.state("job") is State.FAILED


@pytest.mark.parametrize("state", REMOVABLE)
def test_remove_deletes_a_job_with_its_history(scene: Scene, state: State) -> None:
    job = scene.job_in(state, "job")
    scene.job_in(State.PENDING, "other")
    assert scene.store.remove(ids("job")) == [Lease(job.row, job.lease)]
    assert scene.store.runs(job.row) == []
    assert scene.store.changes(job.row) == []
    with pytest.raises(NoSuchJob):
        scene.store.get("job")
    assert scene.store.tallies() == {("other", State.PENDING): 1}


def test_every_run_of_a_removed_job_is_told_and_its_output_gone(
    scene: Scene, clock: FakeClock
) -> None:
    scene.enqueue(spec("job"), spec("unrun", delay=99))
    for _ in range(2):
        (assignment,) = scene.claim()
        scene.end(assignment, FAILURE, output=b"text")
        clock.advance(10)
    row = assignment.row
    removed = scene.store.remove(ALL)
    assert sorted(removed) == [Lease(row, 1), Lease(row, 2), Lease(row + 1, 0)]
    assert scene.store.output(row, 1) is None


@pytest.mark.parametrize("deed", ["cancel", "retry", "remove"])
@pytest.mark.parametrize("state", REACHABLE)
def test_a_deed_that_makes_no_sense_is_refused_and_says_where_it_would(
    scene: Scene, deed: str, state: State
) -> None:
    if state in ALLOWED[deed]:
        return
    scene.job_in(State.FAILED, "fine")
    scene.job_in(state, "job")
    before = snapshot(scene)
    with pytest.raises(WrongState) as caught:
        getattr(scene.store, deed)(ids("fine", "job"))
    assert (caught.value.job_id, caught.value.state, caught.value.deed) == ("job", state, deed)
    assert set(caught.value.allowed) - {State.BLOCKED} == set(ALLOWED[deed])
    assert snapshot(scene) == before


@pytest.mark.parametrize("deed", ["cancel", "retry", "remove"])
def test_an_id_that_does_not_exist_refuses_all_of_them(scene: Scene, deed: str) -> None:
    scene.job_in(State.FAILED, "fine")
    before = snapshot(scene)
    with pytest.raises(NoSuchJob, match="nobody"):
        getattr(scene.store, deed)(ids("fine", "nobody"))
    assert snapshot(scene) == before


@pytest.mark.parametrize("deed", ["cancel", "retry", "remove"])
def test_filters_take_what_the_deed_applies_to(scene: Scene, deed: str) -> None:
    for state in REACHABLE:
        scene.job_in(state, str(state))
    getattr(scene.store, deed)(ALL)
    left = {job.id: job.state for job in scene.store.find(ALL)}
    match deed:
        case "cancel":
            waiting = set(CANCELLABLE) - {State.PROCESSING}
            assert left == {s: State.CANCELLED if s in waiting else s for s in REACHABLE}
            assert scene.store.get("processing").cancel_requested
        case "retry":
            assert left == {s: State.PENDING if s in RETRIABLE else s for s in REACHABLE}
        case _:
            assert left == {"processing": State.PROCESSING}


def test_filters_that_match_nothing_do_nothing(scene: Scene) -> None:
    scene.job_in(State.COMPLETED, "job")
    assert scene.store.cancel(Selection(states=(State.COMPLETED,))) == Cancelled(0, 0)
    assert scene.store.retry(Selection(queues=("none",))) == 0
    assert scene.store.remove(Selection(search="none")) == []


def test_filters_choose_among_queues_tags_and_texts(scene: Scene) -> None:
    scene.enqueue(
        spec("a", queue="one", tags=("x",)),
        spec("b", queue="one", command="special"),
        spec("c", queue="two", tags=("x",)),
    )
    assert scene.store.cancel(Selection(queues=("one",), tags=("x",))) == Cancelled(1, 0)
    assert scene.store.cancel(Selection(search="SPECIAL")) == Cancelled(1, 0)
    assert [scene.state(job_id) for job_id in "abc"] == [
        State.CANCELLED,
        State.CANCELLED,
        State.PENDING,
    ]
    assert scene.store.retry(Selection(states=(State.CANCELLED,) * 2, queues=("one",))) == 2


def test_an_id_given_twice_counts_once(scene: Scene) -> None:
    scene.job_in(State.PENDING, "job")
    assert scene.store.cancel(ids("job", "job")) == Cancelled(1, 0)
    assert scene.store.retry(ids("job", "job")) == 1
    assert len(scene.store.remove(ids("job", "job"))) == 1


def test_ids_of_several_states_are_handled_together(scene: Scene) -> None:
    for state in CANCELLABLE:
        scene.job_in(state, str(state))
    assert scene.store.cancel(ids(*CANCELLABLE)) == Cancelled(len(CANCELLABLE) - 1, 1)


def test_retry_does_not_touch_a_job_that_runs(scene: Scene) -> None:
    scene.job_in(State.PROCESSING, "job")
    before = snapshot(scene)
    assert scene.store.retry(ALL) == 0
    assert snapshot(scene) == before


def test_a_completed_job_can_run_again(scene: Scene) -> None:
    scene.job_in(State.COMPLETED, "job")
    scene.store.retry(ids("job"))
    scene.run(SUCCESS)
    assert [run.number for run in scene.store.runs(scene.store.get("job").row)] == [1, 2]
