"""Jobs that wait for their time, and those that have had it."""

from __future__ import annotations

from queuectl.domain.lifecycle import State
from queuectl.domain.selection import Selection
from queuectl.domain.timing import SECOND
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Lease
from tests.stores.scene import ALL, FAILURE, SUCCESS, FakeClock, Scene, ids, spec


def test_promote_makes_pending_what_is_due_and_only_that(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(spec("soon", delay=5), spec("later", delay=5.000001), spec("failed"))
    scene.run(FAILURE)
    assert scene.store.promote() == 0
    clock.advance(5)
    assert scene.store.promote() == 1
    assert scene.state("soon") is State.PENDING
    assert scene.state("later") is State.SCHEDULED
    clock.advance(5)
    assert scene.store.promote() == 2
    assert scene.state("failed") is State.PENDING
    assert scene.store.promote() == 0


def test_a_promoted_job_has_been_ready_since_it_was_due(scene: Scene, clock: FakeClock) -> None:
    due = clock.instant + 5 * SECOND
    scene.enqueue(spec("job", run_at=due))
    clock.advance(60)
    scene.store.promote()
    assert scene.store.get("job").run_at == due
    assert scene.store.oldest_pending() == due
    assert scene.store.changes(1)[-1].at == clock.instant


def test_next_due_is_the_earliest_of_scheduled_and_failed_jobs(
    scene: Scene, clock: FakeClock
) -> None:
    assert scene.store.next_due() is None
    scene.enqueue(spec("failed"))
    scene.run(FAILURE)
    assert scene.store.next_due() == clock.instant + 10 * SECOND
    scene.enqueue(spec("soon", delay=3), spec("later", delay=20))
    assert scene.store.next_due() == clock.instant + 3 * SECOND
    scene.store.cancel(ids("soon", "failed"))
    assert scene.store.next_due() == clock.instant + 20 * SECOND


def test_oldest_pending_tells_since_when_a_job_has_been_ready(
    scene: Scene, clock: FakeClock
) -> None:
    assert scene.store.oldest_pending() is None
    start = clock.instant
    scene.enqueue(spec("old", priority=-1))
    clock.advance(5)
    scene.enqueue(spec("new"))
    assert scene.store.oldest_pending() == start
    scene.run(SUCCESS, 2)
    assert scene.store.oldest_pending() is None


def test_has_work_looks_at_pending_processing_and_failed_jobs_of_the_queues(scene: Scene) -> None:
    store = scene.store
    assert not store.has_work(())
    for state in (State.SCHEDULED, State.COMPLETED, State.DEAD, State.CANCELLED):
        scene.job_in(state, str(state))
    assert not store.has_work(())
    for state in (State.PENDING, State.PROCESSING, State.FAILED):
        scene.job_in(state, str(state))
        assert store.has_work((str(state),))
        assert store.has_work(("none", str(state)))
    assert store.has_work(())
    assert not store.has_work(("none", "completed"))


def test_tallies_count_by_queue_and_state(scene: Scene) -> None:
    assert scene.store.tallies() == {}
    scene.enqueue(spec(queue="a"), spec(queue="a"), spec(queue="b"), spec(queue="a", delay=1))
    scene.claim(1, "a")
    assert scene.store.tallies() == {
        ("a", State.PENDING): 1,
        ("a", State.PROCESSING): 1,
        ("a", State.SCHEDULED): 1,
        ("b", State.PENDING): 1,
    }


def _end_ten(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(*(spec(max_retries=0) for _ in range(10)))
    for number, assignment in enumerate(scene.claim(10)):
        clock.advance(1)
        scene.end(assignment, FAILURE if number % 3 == 0 else SUCCESS)


def _left(store: Store) -> list[int]:
    return sorted(job.row for job in store.find(Selection()))


def test_prune_deletes_what_ended_long_enough_ago_oldest_first(
    scene: Scene, clock: FakeClock
) -> None:
    _end_ten(scene, clock)
    age = 5 * SECOND
    assert scene.store.prune(age, None, 3) == [Lease(row, 1) for row in (1, 2, 3)]
    assert sorted(scene.store.prune(age, None, 100)) == [Lease(4, 1)]
    assert scene.store.prune(age, None, 100) == []
    assert _left(scene.store) == [5, 6, 7, 8, 9, 10]


def test_prune_keeps_a_number_of_the_newest_ends(scene: Scene, clock: FakeClock) -> None:
    _end_ten(scene, clock)
    scene.enqueue(spec(), spec(delay=9))
    assert len(scene.store.prune(None, 4, 2)) == 2
    assert len(scene.store.prune(None, 4, 100)) == 4
    assert scene.store.prune(None, 4, 100) == []
    assert _left(scene.store) == [7, 8, 9, 10, 11, 12]
    assert len(scene.store.prune(None, 0, 100)) == 4


def test_prune_takes_either_bound(scene: Scene, clock: FakeClock) -> None:
    _end_ten(scene, clock)
    assert len(scene.store.prune(8 * SECOND, 4, 100)) == 6
    assert len(scene.store.prune(0, 4, 100)) == 3
    assert scene.store.prune(None, None, 100) == []


def test_prune_leaves_jobs_alone_that_have_not_ended(scene: Scene, clock: FakeClock) -> None:
    for state in (State.SCHEDULED, State.PENDING, State.PROCESSING, State.FAILED):
        scene.job_in(state, str(state))
    scene.job_in(State.CANCELLED, "unrun")
    row = scene.store.get("unrun").row
    clock.advance(10**6)
    assert scene.store.prune(0, 0, 100) == [Lease(row, 0)]
    assert scene.store.count(ALL) == 4


def test_a_retried_job_is_no_longer_one_to_prune(scene: Scene, clock: FakeClock) -> None:
    scene.job_in(State.DEAD, "job")
    scene.store.retry(ids("job"))
    clock.advance(10**6)
    assert scene.store.prune(0, 0, 100) == []
