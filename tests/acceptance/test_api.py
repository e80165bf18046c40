"""The Python API, with real workers where it waits."""

from __future__ import annotations

import os

import pytest

from queuectl import JobQueue
from queuectl.domain.errors import BadLine, BadValue, IdTaken, NoSuchJob, UnknownName, WrongState
from queuectl.domain.lifecycle import State


@pytest.fixture
def queue(place):
    return place.queue


def test_the_api_opens_the_same_queue_as_the_commands(place, monkeypatch):
    monkeypatch.setenv("QUEUECTL_HOME", str(place.path))
    with JobQueue() as queue:
        job = queue.enqueue("echo hi", id="mine", tags=["a", "b"], priority=3)
        assert job.cwd == os.getcwd()
    assert '"id": "mine"' in place.ctl("show", "mine", "--format", "json").stdout


def test_an_enqueued_job_comes_back_with_all_its_options(queue):
    job = queue.enqueue(
        args=["echo", "a b"],
        queue="q",
        priority=-5,
        max_retries=7,
        timeout="1m",
        backoff="list:1s,5s",
        env={"A": "1"},
        cwd="/",
        tags=["x"],
        delay=3600,
    )
    assert job == queue.get(job.id)
    assert (job.args, job.queue, job.timeout, job.cwd) == (("echo", "a b"), "q", 60, "/")
    assert (job.state, job.backoff.delays, job.env) == ("scheduled", (1, 5), {"A": "1"})


def test_wrong_options_are_refused_and_nothing_is_added(queue):
    with pytest.raises(UnknownName, match="did you mean 'priority'"):
        queue.enqueue("true", prioritty=1)
    with pytest.raises(BadValue, match="an existing folder"):
        queue.enqueue("true", cwd="/no/such/folder")
    queue.enqueue("true", id="a")
    with pytest.raises(IdTaken):
        queue.enqueue("true", id="a")
    assert len(list(queue.list())) == 1


def test_a_batch_is_all_or_nothing_and_names_the_bad_one(queue):
    with pytest.raises(BadLine, match=r"job 2: priority: "):
        queue.enqueue_many([{"command": "true"}, {"command": "true", "priority": "x"}])
    with pytest.raises(BadLine, match=r"job 2: a job with id 'a' exists already"):
        queue.enqueue_many([{"id": "a", "command": "true"}, {"id": "a", "command": "true"}])
    assert list(queue.list()) == []
    added = queue.enqueue_many([{"id": "a", "command": "true"}] * 2, skip_taken=True)
    assert (added.jobs, added.skipped) == ([("a", State.PENDING)], 1)


def test_jobs_are_listed_by_filters_newest_first(queue):
    for number in range(3):
        queue.enqueue("true", queue=f"q{number}", tags=[f"t{number}"], id=f"n{number}")
    assert [job.id for job in queue.list()] == ["n2", "n1", "n0"]
    assert [job.id for job in queue.list(queue="q1")] == ["n1"]
    assert [job.id for job in queue.list(tag="t2", state="pending")] == ["n2"]
    assert [job.id for job in queue.list(state=["P", State.DEAD], limit=1)] == ["n2"]
    assert [job.id for job in queue.list(search="N0")] == ["n0"]


def test_waiting_cancelling_and_retrying(place, queue):
    place.start(2)
    good, bad, long = (
        queue.enqueue("true"),
        queue.enqueue("exit 3", max_retries=0),
        queue.enqueue("sleep 300"),
    )
    assert [job.state for job in queue.wait([good.id, bad.id], 60)] == ["completed", "dead"]
    with pytest.raises(TimeoutError):
        queue.wait([long.id], 0.05)
    assert queue.cancel(long.id).asked + queue.get(long.id).cancel_requested >= 1
    assert queue.wait([long.id], 60)[0].state == "cancelled"
    assert queue.retry(bad.id) == 1
    assert queue.wait([bad.id], 60)[0].attempts == 2
    stats = queue.stats()
    assert stats.jobs[State.DEAD] == stats.jobs[State.COMPLETED] == 1
    assert (stats.active_workers, stats.next_run_at) == (2, None)


def test_what_does_not_exist_or_has_ended_is_refused(queue):
    with pytest.raises(NoSuchJob):
        queue.cancel("nobody")
    job = queue.enqueue("true")
    queue.cancel(job.id)
    with pytest.raises(WrongState, match="it is cancelled"):
        queue.cancel(job.id)


def test_a_queue_used_from_a_removed_folder_says_so(queue, tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(BadValue, match="working directory was removed"):
        queue.enqueue("true")
    assert queue.enqueue("true", cwd="/").cwd == "/"
