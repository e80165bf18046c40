"""Supervisors and workers, and what is wanted of them."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import NoSuchWorker, StoreError, SupervisorLost
from queuectl.domain.fleet import Desired, WorkerStatus
from queuectl.domain.timing import SECOND
from queuectl.stores.contract import Store
from queuectl.stores.sqlite import SqliteStore
from tests.stores.scene import FakeClock, StoreFactory, supervisor


def test_a_supervisor_comes_back_as_it_entered(store: Store) -> None:
    entered = supervisor("s")
    store.enter(entered)
    assert store.supervisors() == [entered]


def test_a_new_supervisor_ends_those_of_its_host_and_home(store: Store, clock: FakeClock) -> None:
    store.enter(supervisor("old"))
    store.enter(supervisor("elsewhere", host="other"))
    store.enter(supervisor("beside", home="/other"))
    clock.advance(1)
    store.enter(supervisor("new"))
    ended = {known.id: known.ended_at for known in store.supervisors()}
    assert ended == {"old": clock.instant, "elsewhere": None, "beside": None, "new": None}


def test_workers_that_never_got_a_pid_end_with_their_supervisor(store: Store) -> None:
    store.enter(supervisor("old"))
    unborn, alive, dead = store.want_workers("old", 3, 1, (), Desired.RUN)
    store.set_worker(alive.id, WorkerStatus.IDLE, pid=5, pid_started=6)
    store.set_worker(dead.id, WorkerStatus.DIED)
    store.enter(supervisor("new"))
    assert store.worker(unborn.id).status is WorkerStatus.STOPPED
    assert store.worker(alive.id).status is WorkerStatus.IDLE
    assert store.worker(dead.id).status is WorkerStatus.DIED


def test_a_beat_is_a_sign_of_life_with_a_note(store: Store, clock: FakeClock) -> None:
    store.enter(supervisor("s"))
    clock.advance(5)
    store.beat("s", "disk full")
    (known,) = store.supervisors()
    assert (known.heartbeat_at, known.note) == (clock.instant, "disk full")
    store.beat("s", None)
    assert store.supervisors()[0].note is None


def test_the_latest_supervisor_that_left_is_still_known(store: Store, clock: FakeClock) -> None:
    assert store.supervisors() == []
    for name in ("first", "second"):
        store.enter(supervisor(name))
        clock.advance(1)
        store.leave(name)
    (known,) = store.supervisors()
    assert (known.id, known.ended_at) == ("second", clock.instant)


def test_wanted_workers_are_numbered_and_named_by_the_second(
    store: Store, clock: FakeClock
) -> None:
    epoch = clock.instant // SECOND
    store.enter(supervisor("s"))
    first = store.want_workers("s", 2, 3, ("a", "b"), Desired.DRAIN)
    second = store.want_workers("s", 1, 1, (), Desired.RUN)
    clock.advance(1)
    third = store.want_workers("s", 1, 1, (), Desired.RUN)
    store.enter(supervisor("elsewhere", host="other"))
    fourth = store.want_workers("elsewhere", 11, 1, (), Desired.RUN)
    workers = [*first, *second, *third, *fourth]
    assert [worker.id for worker in workers] == [
        *(f"worker_{epoch}_{n}" for n in range(3)),
        *(f"worker_{epoch + 1}_{n}" for n in range(12)),
    ]
    assert [worker.number for worker in workers] == [0, 1, 2, 3, *range(11)]
    assert [worker.host for worker in workers] == ["host"] * 4 + ["other"] * 11
    assert store.workers() == [*fourth, *first, *second, *third]
    worker = first[1]
    assert store.worker(worker.id) == worker
    assert (worker.slots, worker.queues, worker.desired) == (3, ("a", "b"), Desired.DRAIN)
    assert (worker.status, worker.started_at) == (WorkerStatus.STARTING, epoch * SECOND)
    assert (worker.pid, worker.processed, worker.busy_seconds) == (None, 0, 0.0)
    assert store.want_workers("s", 1, 1, (), Desired.RUN)[0].id == f"worker_{epoch + 1}_12"


def test_nobody_works_for_a_supervisor_that_never_entered(store: Store) -> None:
    with pytest.raises(StoreError, match="stranger"):
        store.want_workers("stranger", 1, 1, (), Desired.RUN)


@pytest.mark.parametrize("desired", [Desired.STOP, Desired.STOP_NOW])
def test_nobody_is_wanted_of_a_supervisor_that_is_to_stop(store: Store, desired: Desired) -> None:
    store.enter(supervisor("one"))
    store.wish_supervisor("one", desired)
    with pytest.raises(SupervisorLost):
        store.want_workers("one", 1, 1, (), Desired.RUN)
    assert store.workers() == []


def test_nobody_is_wanted_of_a_supervisor_that_has_ended(store: Store) -> None:
    store.enter(supervisor("one"))
    store.leave("one")
    with pytest.raises(SupervisorLost):
        store.want_workers("one", 1, 1, (), Desired.RUN)


def test_a_worker_keeps_what_is_not_said_anew(store: Store) -> None:
    store.enter(supervisor("s"))
    (worker,) = store.want_workers("s", 1, 1, (), Desired.RUN)
    store.set_worker(worker.id, WorkerStatus.IDLE, 12, 34, "hello")
    store.set_worker(worker.id, WorkerStatus.BUSY)
    now = store.worker(worker.id)
    assert (now.status, now.pid, now.pid_started, now.note) == (WorkerStatus.BUSY, 12, 34, "hello")


@pytest.mark.parametrize("gone", [WorkerStatus.STOPPED, WorkerStatus.DIED])
def test_workers_that_are_gone_are_not_listed_but_known(store: Store, gone: WorkerStatus) -> None:
    store.enter(supervisor("s"))
    first, second = store.want_workers("s", 2, 1, (), Desired.RUN)
    store.set_worker(first.id, gone)
    assert [worker.id for worker in store.workers()] == [second.id]
    assert store.worker(first.id).status is gone
    with pytest.raises(NoSuchWorker, match=second.id):
        store.worker("worker_1_1")


@pytest.mark.parametrize("stronger", Desired)
@pytest.mark.parametrize("weaker", Desired)
def test_a_stronger_wish_is_never_taken_back(
    store: Store, weaker: Desired, stronger: Desired
) -> None:
    if list(Desired).index(weaker) > list(Desired).index(stronger):
        weaker, stronger = stronger, weaker
    store.enter(supervisor("s"))
    (worker,) = store.want_workers("s", 1, 1, (), weaker)
    store.wish_workers([worker.id], stronger)
    assert store.worker(worker.id).desired is stronger
    store.wish_workers([worker.id], weaker)
    assert store.worker(worker.id).desired is stronger


def test_a_wish_reaches_the_workers_named(store: Store) -> None:
    store.enter(supervisor("s"))
    workers = store.want_workers("s", 3, 1, (), Desired.RUN)
    store.wish_workers([workers[0].id, workers[2].id, "nobody"], Desired.STOP)
    store.wish_workers([], Desired.STOP_NOW)
    wishes = [worker.desired for worker in store.workers()]
    assert wishes == [Desired.STOP, Desired.RUN, Desired.STOP]


def test_a_wish_about_a_supervisor_is_one_about_all_its_workers(store: Store) -> None:
    store.enter(supervisor("s"))
    store.enter(supervisor("elsewhere", host="other"))
    (worker,) = store.want_workers("s", 1, 1, (), Desired.RUN)
    (eager,) = store.want_workers("s", 1, 1, (), Desired.STOP_NOW)
    (foreign,) = store.want_workers("elsewhere", 1, 1, (), Desired.RUN)
    store.wish_supervisor("s", Desired.STOP)
    assert store.worker(worker.id).desired is Desired.STOP
    assert store.worker(eager.id).desired is Desired.STOP_NOW
    assert store.worker(foreign.id).desired is Desired.RUN
    assert {s.id: s.desired for s in store.supervisors()} == {
        "s": Desired.STOP,
        "elsewhere": Desired.RUN,
    }


def test_settings_are_kept_as_texts_until_forgotten(store: Store, open_again: StoreFactory) -> None:
    assert store.stored_settings() == {}
    store.store_setting("timeout", "5m")
    store.store_setting("max_retries", "1")
    store.store_setting("timeout", "ü")
    with open_again() as other:
        assert other.stored_settings() == {"timeout": "ü", "max_retries": "1"}
    store.store_setting("timeout", None)
    store.store_setting("unknown", None)
    assert store.stored_settings() == {"max_retries": "1"}


def test_the_data_version_tells_that_another_connection_changed_something(
    store: Store, open_again: StoreFactory
) -> None:
    with open_again() as other:
        version = store.data_version()
        if isinstance(store, SqliteStore):  # on a server others change things of their own
            assert store.data_version() == version
            other.stored_settings()
            assert store.data_version() == version
        other.store_setting("a", "b")
        assert store.data_version() != version


def test_the_store_tells_the_time_by_its_clock(store: Store, clock: FakeClock) -> None:
    assert store.now() == clock.instant
    clock.advance(1)
    assert store.now() == clock.instant
