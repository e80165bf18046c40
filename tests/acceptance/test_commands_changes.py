"""Commands that change jobs and settings, where no worker is needed."""

from pathlib import Path

import pytest

from queuectl import JobQueue
from queuectl.domain.fleet import Desired, Supervisor
from queuectl.domain.lifecycle import End, Outcome
from queuectl.stores.exchange import Demand, Ended
from tests.support.one_shot import OneShot


@pytest.fixture
def queuectl(tmp_path: Path) -> OneShot:
    queuectl = OneShot(tmp_path / "home")
    queuectl("enqueue", '[{"id":"a","command":"false","max_retries":0},{"id":"b","command":"x"}]')
    return queuectl


def _states(queuectl: OneShot) -> dict[str, str]:
    return {job["id"]: job["state"] for job in queuectl.jobs()}


def _kill(queuectl: OneShot, count: int = 1) -> None:
    """Let jobs fail for good, without a worker."""
    with JobQueue(str(queuectl.home)) as queue:
        now = queue.store.now()
        queue.store.enter(
            Supervisor("s", "host", "/", 1, 1, "boot", "0", Desired.RUN, now, now, None, None)
        )
        (worker,) = queue.store.want_workers("s", 1, 1, (), Desired.RUN)
        for _ in range(count):
            (got,) = queue.store.turn("s", demands=[Demand(worker.id, (), 1)]).assignments
            outcome = Outcome(End.EXITED, 3, error="exit code 3")
            queue.store.turn("s", ended=[Ended(got.row, got.lease, outcome, 0.1, None)])


def test_cancel_by_id_and_by_filter(queuectl: OneShot) -> None:
    assert queuectl("cancel", "a", "a").out == "Cancelled 1 job\n"
    assert _states(queuectl) == {"a": "cancelled", "b": "pending"}
    assert queuectl("cancel", "--queue", "default").out == "Cancelled 1 job\n"
    assert queuectl.refused(1, "cancel", "--all") == "no job to cancel matches"


def test_retry_runs_an_ended_job_again(queuectl: OneShot) -> None:
    queuectl("cancel", "--all")
    assert queuectl("retry", "--state", "cancelled").out == "Moved 2 jobs back to pending\n"
    assert _states(queuectl) == {"a": "pending", "b": "pending"}


def test_remove_deletes_jobs(queuectl: OneShot) -> None:
    assert queuectl("remove", "a").out == "Removed 1 job\n"
    assert _states(queuectl) == {"b": "pending"}
    assert queuectl("remove", "--all").out == "Removed 1 job\n"
    assert _states(queuectl) == {}


def test_a_dead_job_is_listed_with_its_error(queuectl: OneShot) -> None:
    _kill(queuectl)
    header, _, row = queuectl("dlq", "list").lines
    assert header.split() == ["ID", "Command", "T", "Failed", "Error"]
    assert row.split()[:3] == ["a", "false", "0/0"]
    assert row.endswith("exit code 3")
    assert queuectl("dlq", "list", "--format", "ids").out == "a\n"
    assert queuectl("dlq", "show", "a", "--format", "json").json["runs"][0]["exit_code"] == 3


def test_dlq_retry_says_what_it_did(queuectl: OneShot) -> None:
    _kill(queuectl, 1)
    assert queuectl("dlq", "retry", "a").lines == [
        "Job 'a' moved from DLQ back to pending queue",
        "Retry attempts reset to 0/0",
    ]
    assert _states(queuectl)["a"] == "pending"


def test_dlq_retry_of_all(queuectl: OneShot) -> None:
    queuectl("enqueue", "--max-retries", "0", "--id", "c", "--priority", "1", "false")
    _kill(queuectl, 2)
    assert queuectl("dlq", "retry", "--all").lines == [
        "Moving 2 jobs from DLQ back to pending queue...",
        "All DLQ jobs have been reset and queued for retry",
    ]
    assert queuectl("dlq", "list").out == "The dead letter queue is empty\n"


def test_dlq_purge_deletes_dead_jobs_only(queuectl: OneShot) -> None:
    _kill(queuectl)
    assert queuectl("dlq", "purge").out == "Purged 1 job from DLQ\n"
    assert _states(queuectl) == {"b": "pending"}


def test_a_setting_is_changed_and_unset(queuectl: OneShot) -> None:
    assert queuectl("config", "get", "max-retries").out == "3\n"
    assert queuectl("config", "set", "max-retries", "5").out == "max_retries = 5\n"
    setting = queuectl("config", "get", "max_retries", "--format", "json").json
    assert (setting["key"], setting["value"], setting["default"]) == ("max_retries", 5, 3)
    assert setting["source"] == "store"
    queuectl("enqueue", "--id", "new", "x")
    assert {job["id"]: job["max_retries"] for job in queuectl.jobs()}["new"] == 5
    assert queuectl("config", "unset", "max_retries").out == "max_retries = 3 (default)\n"
    assert queuectl("config", "get", "timeout", "--format", "json").json["value"] is None


def test_config_list_shows_every_setting(queuectl: OneShot) -> None:
    keys = queuectl("config", "list", "--format", "ids").lines
    assert {"max_retries", "shutdown_grace", "output_limit", "keep_jobs"} <= set(keys)
    rows = {line.split()[0]: line.split() for line in queuectl("config", "list").lines[2:]}
    assert rows.keys() == set(keys)
    assert rows["max_retries"][1:4] == ["3", "3", "default"]
    assert {one["key"] for one in queuectl("config", "list", "--format", "json").json} == set(keys)


def test_status_counts_every_state_and_says_what_needs_a_person(queuectl: OneShot) -> None:
    out = queuectl("status").out
    assert "no worker is running; 2 jobs wait: run worker start" in out
    status = queuectl("status", "--format", "json").json
    assert status["jobs"] == {
        "pending": 2,
        "processing": 0,
        "completed": 0,
        "failed": 0,
        "dead": 0,
        "scheduled": 0,
        "blocked": 0,
        "cancelled": 0,
    }
    assert status["workers"] == {"active": 0, "busy": 0}
    assert [queue["name"] for queue in status["queues"]] == ["default"]
    assert status["next_run_at"] is None
    assert status["oldest_pending_seconds"] >= 0
    assert "pending,2" in queuectl("status", "--format", "csv").lines


def test_metrics_without_and_with_attempts(queuectl: OneShot) -> None:
    assert queuectl("metrics", "--format", "json").json["success_rate"] is None
    _kill(queuectl)
    metrics = queuectl("metrics", "--format", "json").json
    assert (metrics["success_rate"], metrics["last_hour"]["attempts"]) == (0, 1)
    assert metrics["throughput"]["1m"] == pytest.approx(1 / 60)
    assert metrics["queues"]["default"]["attempts"] == 1
    assert "default" in queuectl("metrics").out
    assert queuectl("metrics", "--format", "csv").lines[0].startswith("queue,attempts,success_rate")


def test_time_tells_the_next_scheduled_run(queuectl: OneShot) -> None:
    assert queuectl("time", "--format", "json").json["next_run_at"] is None
    queuectl("enqueue", "--delay", "1h", "x")
    assert "(in 1 hour)" in queuectl("time").out
    assert queuectl("time", "--format", "json").json["next_run_at"].endswith("Z")


def test_demo_adds_a_job_of_each_kind(queuectl: OneShot) -> None:
    ids = queuectl("demo", "--format", "ids").lines
    assert ids == ["j3", "j4", "j5", "j6", "j7"]
    assert _states(queuectl)["j7"] == "scheduled"


def test_wait_gives_up_after_its_timeout(queuectl: OneShot) -> None:
    done = queuectl.attempt("wait", "a", "--timeout", "50ms")
    assert (done.code, done.out) == (124, "")
    assert done.err.splitlines() == [
        "queuectl: no worker is running: run worker start",
        "queuectl: error: timed out after 0.05s: 1 job not ended (a)",
    ]


def test_wait_for_jobs_that_have_ended(queuectl: OneShot) -> None:
    queuectl("cancel", "b")
    done = queuectl.attempt("wait", "b")
    assert (done.code, done.out, done.err) == (1, "Job 'b' cancelled\n", "")


def test_no_worker_to_stop_is_no_error(queuectl: OneShot) -> None:
    assert queuectl("worker", "stop").out == "No workers are running\n"
    assert queuectl("worker", "status", "--format", "json").json == {
        "workers": [],
        "active": 0,
        "processed": 0,
        "average_seconds": None,
    }


def test_help_and_version(queuectl: OneShot) -> None:
    assert queuectl("--version").out.startswith("queuectl ")
    overview = queuectl("--help").out
    assert overview == queuectl("help").out
    assert {"enqueue", "run_script"} <= set(overview.split())
    assert queuectl("list", "--help").out == queuectl("help", "list").out
    assert "--slots" in queuectl("help", "worker", "start").out
