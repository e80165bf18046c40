"""Jobs that ran together in a worker that died: uncharged, and then each alone."""

from __future__ import annotations

from queuectl.domain.lifecycle import State
from queuectl.stores.exchange import Assignment, Demand
from tests.stores.scene import FAILURE, SUCCESS, SUSPECTED, FakeClock, Scene, ids, spec


def names(assignments: list[Assignment]) -> list[tuple[str, str]]:
    return [(each.worker, each.id) for each in assignments]


def suspects(scene: Scene, *job_ids: str) -> None:
    """These jobs were in a worker that died."""
    scene.enqueue(*map(spec, job_ids))
    for assignment in scene.claim(len(job_ids)):
        scene.end(assignment, SUSPECTED)


def test_a_suspect_is_pending_at_once_and_not_charged(scene: Scene) -> None:
    suspects(scene, "one", "two")
    job = scene.store.get("one")
    assert (job.state, job.attempts, job.retries) == (State.PENDING, 1, 0)
    last = scene.store.changes(job.row)[-1]
    assert last.reason == "worker died: signal 9 (one of 2 jobs in the worker)"


def test_a_suspect_gets_a_worker_without_a_job_and_no_company(scene: Scene) -> None:
    suspects(scene, "one", "two")
    scene.enqueue(spec("plain"))
    (assignment,) = scene.claim(4)
    assert (assignment.id, assignment.alone) == ("one", True)
    scene.end(assignment, SUCCESS)
    (assignment,) = scene.claim(4)
    assert (assignment.id, assignment.alone) == ("two", True)
    scene.end(assignment, SUCCESS)
    (assignment,) = scene.claim(4)
    assert (assignment.id, assignment.alone) == ("plain", False)


def test_a_worker_with_jobs_gets_no_more_until_it_can_take_the_suspect(scene: Scene) -> None:
    suspects(scene, "suspect")
    scene.enqueue(*[spec(f"plain{number}") for number in range(4)])
    assert scene.claim(2, held=2) == []
    assert [each.id for each in scene.claim(4, held=0)] == ["suspect"]


def test_the_worker_with_the_fewest_jobs_is_kept_for_a_suspect_and_the_others_go_on(
    scene: Scene,
) -> None:
    suspects(scene, "suspect")
    scene.enqueue(*[spec(f"plain{number}") for number in range(4)])
    busy, calm = scene.hire(2)
    given = scene.demand(Demand(busy, (), 2, 3), Demand(calm, (), 3, 1))
    assert names(given) == [(busy, "plain0"), (busy, "plain1")]


def test_a_job_claimed_before_the_suspect_does_not_share_a_worker_with_it(scene: Scene) -> None:
    suspects(scene, "suspect")
    scene.enqueue(spec("first", priority=5), spec("last"))
    one, other = scene.hire(2)
    given = scene.demand(Demand(one, (), 2), Demand(other, (), 2))
    assert sorted(names(given)) == sorted([(one, "first"), (other, "suspect"), (one, "last")])


def test_each_suspect_has_a_worker_of_its_own(scene: Scene) -> None:
    suspects(scene, "one", "two", "three")
    workers = scene.hire(2)
    given = scene.demand(*(Demand(worker, (), 4) for worker in workers))
    assert {each.id for each in given} == {"one", "two"}
    assert len({each.worker for each in given}) == 2


def test_a_worker_for_other_queues_is_not_kept_for_a_suspect(scene: Scene) -> None:
    suspects(scene, "suspect")
    scene.enqueue(spec("side", queue="side"))
    bound, free = scene.hire(2)
    given = scene.demand(Demand(bound, ("side",), 1, 0), Demand(free, (), 1, 3))
    assert names(given) == [(bound, "side")]


def test_a_job_stays_a_suspect_until_it_has_ended(scene: Scene, clock: FakeClock) -> None:
    suspects(scene, "suspect")
    (assignment,) = scene.claim()
    scene.end(assignment, FAILURE)
    clock.advance(3600)
    (assignment,) = scene.claim()
    assert assignment.alone
    scene.end(assignment, SUCCESS)
    scene.store.retry(ids("suspect"))
    (assignment,) = scene.claim()
    assert not assignment.alone
