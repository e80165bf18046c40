"""Every transition of the table is one that the store makes and writes down."""

from __future__ import annotations

import pytest

from queuectl.domain.lifecycle import TRANSITIONS, Event, Outcome, State
from queuectl.stores.exchange import Ended
from tests.stores.scene import CANCELLED, FAILURE, INTERRUPTED, RETURNED, SUCCESS, Scene, ids, spec

# Nothing makes a job wait for others yet.
POSSIBLE = [way for way in TRANSITIONS if way[0] is not State.BLOCKED]


def _end(scene: Scene, outcome: Outcome) -> None:
    (holding,) = scene.store.holdings()
    ended = Ended(holding.row, holding.lease, outcome, 1.0, b"")
    scene.store.turn("supervisor", (), [ended])


def _make(scene: Scene, state: State, event: Event) -> None:
    match event:
        case Event.PROMOTE:
            scene.store.promote()
        case Event.CLAIM:
            scene.claim()
        case Event.RETRY:
            scene.store.retry(ids("job"))
        case Event.SUCCEED:
            _end(scene, SUCCESS)
        case Event.FAIL | Event.BURY:
            _end(scene, FAILURE)
        case Event.RELEASE:
            _end(scene, INTERRUPTED)
        case Event.CANCEL:
            scene.store.cancel(ids("job"))
            if state is State.PROCESSING:
                _end(scene, CANCELLED)
        case Event.UNBLOCK:
            raise AssertionError(event)


@pytest.mark.parametrize(("state", "event"), POSSIBLE)
def test_a_transition_is_made_and_written_down(scene: Scene, state: State, event: Event) -> None:
    before = scene.job_in(state, "job", max_retries=0 if event is Event.BURY else 3)
    known = scene.store.changes(before.row)
    scene.clock.advance(60)
    _make(scene, state, event)
    after = scene.store.get("job")
    assert after.state is TRANSITIONS[state, event]
    *earlier, last = scene.store.changes(before.row)
    assert earlier == known
    assert (last.at, last.before, last.state) == (scene.clock.instant, state, after.state)
    assert last.lease == after.lease
    assert last.reason or event in (Event.CLAIM, Event.SUCCEED)


def test_the_whole_life_of_a_job_can_be_read_in_order(scene: Scene) -> None:
    scene.enqueue(spec("job", delay=1, max_retries=1))
    scene.clock.advance(1)
    scene.run(RETURNED)
    scene.run(FAILURE)
    scene.clock.advance(10)
    scene.run(INTERRUPTED)
    scene.run(FAILURE)
    scene.store.retry(ids("job"))
    (assignment,) = scene.claim()
    scene.store.cancel(ids("job"))
    scene.end(assignment, CANCELLED)
    changes = scene.store.changes(assignment.row)
    assert [(str(change.state), change.lease, change.reason) for change in changes] == [
        ("scheduled", 0, None),
        ("pending", 0, "its time has come"),
        ("processing", 1, None),
        ("pending", 1, "returned"),
        ("processing", 2, None),
        ("failed", 2, "exit code 1"),
        ("pending", 2, "its time has come"),
        ("processing", 3, None),
        ("pending", 3, "interrupted by a shutdown"),
        ("processing", 4, None),
        ("dead", 4, "exit code 1"),
        ("pending", 4, "retried by a person"),
        ("processing", 5, None),
        ("cancelled", 5, "signal 15"),
    ]
    assert [run.lease for run in scene.store.runs(assignment.row)] == [2, 3, 4, 5]


def test_a_job_that_does_not_exist_has_no_past(scene: Scene) -> None:
    assert scene.store.changes(99) == []
    assert scene.store.runs(99) == []
