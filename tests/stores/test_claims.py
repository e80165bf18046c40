"""Which pending jobs go to which worker."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import StoreError
from queuectl.domain.lifecycle import State
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Assignment, Demand
from tests.stores.scene import FAILURE, SUCCESS, FakeClock, Scene, ids, spec


def claimed(assignments: list[Assignment]) -> list[str]:
    return [assignment.id for assignment in assignments]


def shares(scene: Scene, *demands: tuple[int, tuple[str, ...]]) -> list[list[str]]:
    """What each of several workers gets, who demand so many jobs of these queues."""
    workers = scene.hire(len(demands))
    assignments = scene.demand(
        *(
            Demand(worker, queues, free)
            for worker, (free, queues) in zip(workers, demands, strict=True)
        )
    )
    return [claimed([each for each in assignments if each.worker == worker]) for worker in workers]


def test_a_claimed_job_is_processing_with_all_that_its_worker_needs(
    scene: Scene, clock: FakeClock
) -> None:
    scene.enqueue(
        spec(
            "job",
            command=None,
            args=("a", "b"),
            env={"A": "1"},
            cwd="/tmp",
            timeout=2.5,
            queue="q",
        )
    )
    clock.advance(2)
    (assignment,) = scene.claim()
    row = scene.store.get("job").row
    worker = scene.worker
    assert assignment == Assignment(
        row, 1, "job", 1, worker, "q", None, ("a", "b"), {"A": "1"}, "/tmp", 2.5
    )
    job = scene.store.get("job")
    assert (job.state, job.lease, job.attempts) == (State.PROCESSING, 1, 1)
    assert (job.worker, job.host, job.started_at) == (worker, "host", clock.instant)
    (run,) = scene.store.runs(row)
    assert (run.lease, run.number, run.worker, run.host) == (1, 1, worker, "host")
    assert (run.started_at, run.end, run.output, run.pid) == (clock.instant, None, "none", None)


def test_the_highest_priority_comes_first_then_the_oldest(scene: Scene) -> None:
    scene.enqueue(
        spec("low", priority=-1),
        spec("first"),
        spec("high", priority=9, queue="z"),
        spec("second", queue="b"),
        spec("third", queue="a"),
    )
    assert claimed(scene.claim(10)) == ["high", "first", "second", "third", "low"]


def test_no_more_is_claimed_than_there_are_places(scene: Scene) -> None:
    scene.enqueue(*(spec() for _ in range(5)))
    assert claimed(scene.claim(2)) == ["j1", "j2"]
    assert claimed(scene.claim(0)) == []
    assert claimed(scene.claim(10)) == ["j3", "j4", "j5"]
    assert claimed(scene.claim(10)) == []


def test_a_demand_for_queues_gets_jobs_of_these_only(scene: Scene) -> None:
    scene.enqueue(spec("a", queue="one"), spec("b", queue="two"), spec("c", queue="three"))
    assert claimed(scene.claim(9, "two", "three", "none")) == ["b", "c"]
    assert claimed(scene.claim(9, "two")) == []


def test_many_queues_are_merged_in_order(scene: Scene) -> None:
    scene.enqueue(*(spec(queue=f"q{n * 7 % 30}", priority=n % 3) for n in range(200)))
    order = sorted(range(200), key=lambda n: (-(n % 3), n))
    expected = [f"j{n + 1}" for n in order]
    assert [job for _ in range(20) for job in claimed(scene.claim(10))] == expected


def test_one_long_queue_is_claimed_beside_short_ones(scene: Scene) -> None:
    scene.enqueue(*(spec(queue="long", priority=5) for _ in range(20)))
    scene.enqueue(*(spec(queue=f"short{n}") for n in range(10)))
    assert claimed(scene.claim(25)) == [f"j{n}" for n in range(1, 26)]


def test_demands_take_turns_and_fill_evenly(scene: Scene) -> None:
    scene.enqueue(*(spec() for _ in range(6)))
    got = shares(scene, (4, ()), (1, ()), (4, ()))
    assert got == [["j1", "j4", "j6"], ["j2"], ["j3", "j5"]]


def test_a_worker_bound_to_queues_is_preferred_so_that_nobody_is_idle(scene: Scene) -> None:
    scene.enqueue(spec("a", queue="one"), spec("b", queue="two"))
    assert shares(scene, (1, ()), (1, ("one",))) == [["b"], ["a"]]


def test_jobs_that_only_a_bound_worker_takes_do_not_hold_back_others(scene: Scene) -> None:
    scene.enqueue(*(spec(queue="one", priority=9) for _ in range(30)))
    scene.enqueue(spec("other", queue="two"))
    assert shares(scene, (2, ("one",)), (2, ("two",))) == [["j1", "j2"], ["other"]]


def test_bound_workers_are_served_beside_one_that_takes_all(scene: Scene) -> None:
    scene.enqueue(*(spec(queue=f"q{n}", priority=9 - n) for n in range(10)))
    assert shares(scene, (1, ()), (1, ("q9",))) == [["j1"], ["j10"]]


def test_due_jobs_are_claimed_without_a_scheduler(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(spec("later", delay=5), spec("much later", delay=50))
    assert scene.claim() == []
    clock.advance(5)
    assert claimed(scene.claim(9)) == ["later"]


def test_a_failed_job_is_claimed_again_once_its_retry_is_due(
    scene: Scene, clock: FakeClock
) -> None:
    scene.enqueue(spec("job"))
    scene.run(FAILURE)
    assert scene.claim() == []
    clock.advance(10)
    (assignment,) = scene.claim()
    assert (assignment.lease, assignment.attempt) == (2, 2)


def test_a_turn_records_first_and_claims_then(scene: Scene) -> None:
    scene.enqueue(spec("a"), spec("b"))
    (first,) = scene.claim()
    turn = scene.end(first, SUCCESS)
    assert turn.assignments == []
    assert scene.state("b") is State.PENDING


def test_nobody_claims_for_a_supervisor_that_never_entered(store: Store) -> None:
    store.add([spec("job")])
    with pytest.raises(StoreError, match="stranger"):
        store.turn("stranger", demands=[Demand("worker", (), 1)])
    assert store.get("job").state is State.PENDING


def test_nobody_claims_for_a_worker_that_does_not_exist(scene: Scene) -> None:
    scene.enqueue(spec("job"))
    with pytest.raises(StoreError):
        scene.demand(Demand("stranger", (), 1))
    assert scene.state("job") is State.PENDING


def test_a_claim_counts_its_wait_from_when_the_job_was_due(scene: Scene, clock: FakeClock) -> None:
    scene.enqueue(spec("job", delay=5))
    clock.advance(7.5)
    (assignment,) = scene.claim()
    scene.end(assignment, SUCCESS)
    (sample,) = scene.store.samples(0, 10)
    assert sample.wait == 2.5


def test_cancelled_and_removed_jobs_are_not_claimed(scene: Scene) -> None:
    scene.enqueue(spec("a"), spec("b"), spec("c"))
    scene.store.cancel(ids("a"))
    scene.store.remove(ids("b"))
    assert claimed(scene.claim(9)) == ["c"]


def test_holdings_are_the_runs_that_have_not_ended(scene: Scene) -> None:
    scene.enqueue(spec("a"), spec("b"), spec("c"))
    first, second, third = scene.claim(3)
    scene.start(second, pid=77)
    scene.store.cancel(ids("b"))
    scene.end(third, SUCCESS)
    one, two = scene.store.holdings()
    assert (one.id, one.row, one.lease, one.pid) == ("a", first.row, first.lease, None)
    assert (one.supervisor, one.worker, one.host) == ("supervisor", scene.worker, "host")
    assert (one.home, one.boot, one.cancel_requested) == ("/home", "boot", False)
    assert (two.id, two.pid, two.pid_started, two.cancel_requested) == ("b", 77, 70, True)
