"""New jobs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from queuectl.domain.errors import BadLine, IdTaken
from queuectl.domain.job import JobSpec
from queuectl.domain.lifecycle import State
from queuectl.domain.retry import Backoff, Strategy
from queuectl.domain.timing import SECOND
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Added
from tests.stores.scene import ALL, FakeClock, StoreFactory, ids, spec


def test_a_job_comes_back_as_it_was_asked_for(store: Store, clock: FakeClock) -> None:
    backoff = Backoff(Strategy.LIST, 3, 2, (1.5, 2.5), 60, 0.5)
    store.add(
        [
            JobSpec(
                id="full",
                command=None,
                args=("printf", '%s "\\', "ä\n", ""),
                queue="other",
                priority=-5,
                max_retries=7,
                run_at=None,
                delay=None,
                timeout=2.5,
                backoff=backoff,
                env={"A": "1", "B": "ü=\n"},
                cwd="/tmp",
                tags=("one", "two"),
            )
        ]
    )
    job = store.get("full")
    assert job.args == ("printf", '%s "\\', "ä\n", "")
    assert (job.command, job.queue, job.priority, job.max_retries) == (None, "other", -5, 7)
    assert (job.timeout, job.backoff, job.cwd, job.tags) == (2.5, backoff, "/tmp", ("one", "two"))
    assert job.env == {"A": "1", "B": "ü=\n"}
    assert (job.state, job.retries, job.attempts, job.lease) == (State.PENDING, 0, 0, 0)
    assert job.created_at == job.run_at == clock.instant
    assert (job.started_at, job.finished_at, job.worker, job.host) == (None,) * 4
    assert (job.exit_code, job.signal, job.error, job.cancel_requested) == (None, None, None, False)


def test_what_was_not_asked_for_is_absent(store: Store) -> None:
    store.add([spec("plain", cwd=None)])
    job = store.get("plain")
    assert (job.args, job.env, job.cwd, job.tags, job.timeout) == (None, None, None, (), None)


def test_generated_ids_count_up(store: Store) -> None:
    added = store.add([spec(), spec("named"), spec()])
    assert added == Added(
        [("j1", State.PENDING), ("named", State.PENDING), ("j3", State.PENDING)], 0
    )
    assert store.get("j3").id == "j3"


def test_a_generated_id_is_never_used_again(store: Store, open_again: StoreFactory) -> None:
    store.add([spec(), spec()])
    store.remove(ALL)
    with open_again() as other:
        assert other.add([spec()]).jobs == [("j3", State.PENDING)]


def test_a_delay_or_a_future_run_at_makes_a_job_scheduled(store: Store, clock: FakeClock) -> None:
    future = clock.instant + 60 * SECOND
    store.add([spec("delayed", delay=1.5), spec("timed", run_at=future)])
    delayed, timed = store.get("delayed"), store.get("timed")
    assert (delayed.state, delayed.run_at) == (State.SCHEDULED, clock.instant + 1_500_000)
    assert (timed.state, timed.run_at) == (State.SCHEDULED, future)


def test_a_run_at_that_has_passed_and_no_delay_make_a_job_pending(
    store: Store, clock: FakeClock
) -> None:
    store.add([spec("late", run_at=clock.instant - 1), spec("now", run_at=clock.instant)])
    store.add([spec("undelayed", delay=0.0)])
    for job in store.find(ALL):
        assert (job.state, job.run_at) == (State.PENDING, clock.instant)


def test_an_id_that_exists_refuses_the_whole_batch_and_names_the_place(store: Store) -> None:
    store.add([spec("taken")])
    with pytest.raises(BadLine, match="job 2: a job with id 'taken' exists already") as caught:
        store.add([spec("new"), spec("taken"), spec("newer")])
    assert isinstance(caught.value.cause, IdTaken)
    assert caught.value.number == 2
    assert [job.id for job in store.find(ALL)] == ["taken"]


def test_an_id_twice_in_one_batch_refuses_it_and_names_the_second_place(store: Store) -> None:
    with pytest.raises(BadLine, match="job 3: a job with id 'twin'"):
        store.add([spec("twin"), spec(), spec("twin")])
    assert store.count(ALL) == 0


def test_taken_ids_can_be_skipped(store: Store) -> None:
    store.add([spec("taken", command="first")])
    batch = [spec("taken", command="second"), spec("new"), spec(), spec("new")]
    added = store.add(batch, skip_taken=True)
    assert added == Added([("new", State.PENDING), ("j3", State.PENDING)], 2)
    assert store.get("taken").command == "first"


def test_an_exception_out_of_the_batch_undoes_all_of_it(store: Store) -> None:
    def specs() -> Iterator[JobSpec]:
        yield from [spec()] * 5
        raise RuntimeError("line 6 is bad")

    with pytest.raises(RuntimeError, match="line 6"):
        store.add(specs())
    assert store.count(ALL) == 0
    assert store.add([spec()]).jobs == [("j1", State.PENDING)]


def test_an_empty_batch_adds_nothing(store: Store) -> None:
    assert store.add([]) == Added([], 0)


def test_a_name_can_be_used_again_once_its_job_is_gone(store: Store) -> None:
    store.add([spec("name")])
    store.remove(ids("name"))
    store.add([spec("name")])
    assert store.get("name").row == 2


def test_another_connection_sees_the_jobs(store: Store, open_again: StoreFactory) -> None:
    store.add([spec("shared")])
    with open_again() as other:
        assert other.get("shared") == store.get("shared")
        assert other.uuid == store.uuid


def test_jobs_of_one_batch_may_differ_in_their_environment(store: Store) -> None:
    shared = {"A": "1"}
    batch = [spec("a", env=shared), spec("b", env=shared), spec("c"), spec("d", env={"D": "4"})]
    store.add(batch)
    assert [store.get(job_id).env for job_id in "abcd"] == [shared, shared, None, {"D": "4"}]
