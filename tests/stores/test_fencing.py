"""A supervisor that was taken for dead has no say any more."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import SupervisorLost
from queuectl.domain.lifecycle import End, Outcome, State
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Demand, Ended, Started
from tests.stores.scene import SUCCESS, FakeClock, Scene, spec, supervisor

DIED = Outcome(End.SUPERVISOR_DIED, error="supervisor gave no sign of life")


def heartbeat(store: Store) -> int:
    return store.supervisors()[0].heartbeat_at


def test_a_fenced_supervisor_can_neither_beat_nor_claim_nor_tell_of_ends(scene: Scene) -> None:
    scene.enqueue(spec("job"), spec("next"))
    (assignment,) = scene.claim()
    assert scene.store.fence("supervisor", heartbeat(scene.store))
    with pytest.raises(SupervisorLost):
        scene.store.beat("supervisor", None)
    with pytest.raises(SupervisorLost):
        scene.claim()
    with pytest.raises(SupervisorLost):
        scene.end(assignment, SUCCESS)
    with pytest.raises(SupervisorLost):
        scene.start(assignment)
    assert scene.state("job") is State.PROCESSING
    assert scene.state("next") is State.PENDING


def test_one_that_has_beaten_meanwhile_is_not_fenced(scene: Scene, clock: FakeClock) -> None:
    seen = heartbeat(scene.store)
    clock.advance(1)
    scene.store.beat("supervisor", None)
    assert not scene.store.fence("supervisor", seen)
    scene.enqueue(spec("job"))
    assert len(scene.claim()) == 1


def test_one_that_has_ended_is_not_fenced_and_what_it_left_can_be_told(scene: Scene) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    scene.store.leave("supervisor")
    assert not scene.store.fence("supervisor", heartbeat(scene.store))
    scene.end(assignment, SUCCESS)
    assert scene.state("job") is State.COMPLETED


def test_one_that_has_ended_claims_and_beats_no_more(scene: Scene) -> None:
    scene.enqueue(spec("job"))
    scene.store.enter(supervisor("successor"))
    with pytest.raises(SupervisorLost):
        scene.claim()
    with pytest.raises(SupervisorLost):
        scene.store.beat("supervisor", None)


def test_others_settle_what_a_fenced_one_ran_and_a_late_word_changes_nothing(scene: Scene) -> None:
    scene.enqueue(spec("job"))
    (assignment,) = scene.claim()
    scene.store.fence("supervisor", heartbeat(scene.store))
    scene.store.enter(supervisor("other", home="/other"))
    (holding,) = scene.store.holdings()
    assert holding.fenced
    lost = Ended(holding.row, holding.lease, DIED, None, b"")
    scene.store.turn("other", (), [lost])
    assert scene.state("job") is State.FAILED
    late = Ended(assignment.row, assignment.lease, SUCCESS, 1.0, b"")
    assert scene.store.turn("other", (), [late]).refused == [(assignment.row, assignment.lease)]
    with pytest.raises(SupervisorLost):
        scene.store.turn("supervisor", [Started(1, 1, 2, 3)], [late], [Demand(scene.worker, (), 1)])
    assert scene.state("job") is State.FAILED
