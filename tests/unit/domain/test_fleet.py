"""Processes of the queue as they are shown, and what is wanted of them."""

import json
from itertools import pairwise

from queuectl.domain.fleet import Desired, Worker, WorkerStatus

WORKER = Worker(
    id="worker_1800000000_0",
    number=0,
    supervisor="s",
    host="here",
    pid=99,
    pid_started=5,
    slots=2,
    queues=("mail",),
    status=WorkerStatus.BUSY,
    desired=Desired.RUN,
    processed=7,
    busy_seconds=1.5,
    started_at=1_800_000_000_000_000,
    note=None,
)


def test_a_record_of_a_worker_has_the_fields_of_the_schema() -> None:
    record = WORKER.as_record(["a", "b"])
    assert json.loads(json.dumps(record)) == record == {
        "id": "worker_1800000000_0",
        "pid": 99,
        "host": "here",
        "status": "busy",
        "jobs": ["a", "b"],
        "processed": 7,
        "started_at": "2027-01-15T08:00:00Z",
    }  # fmt: skip


def test_wishes_grow_stronger_from_running_to_stopping_at_once() -> None:
    order = [Desired.RUN, Desired.DRAIN, Desired.STOP, Desired.STOP_NOW]
    assert sorted(Desired, key=lambda wish: wish.strength) == order
    assert all(weaker.strength < stronger.strength for weaker, stronger in pairwise(order))


def test_only_a_stop_keeps_new_commands_from_starting() -> None:
    assert [wish for wish in Desired if wish.stops] == [Desired.STOP, Desired.STOP_NOW]
