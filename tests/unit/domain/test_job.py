"""A job, its attempts and its changes, shown with the names and values of the JSON schema."""

import json

import pytest

from queuectl.domain.job import Change, Job, Run
from queuectl.domain.lifecycle import End, State
from queuectl.domain.retry import Backoff, Strategy
from queuectl.domain.timing import SECOND

NOW = 1_800_000_000_000_000  # 2027-01-15T08:00:00Z
DESIGN_FIELDS = {
    *("id", "command", "args", "queue", "priority", "max_retries", "run_at", "timeout", "backoff"),
    *("env", "cwd", "tags", "state", "attempts", "retries", "created_at", "started_at"),
    *("finished_at", "exit_code", "signal", "error", "worker", "host", "duration", "lease"),
}
JOB = Job(
    row=7,
    id="a",
    state=State.FAILED,
    command="exit 1",
    args=None,
    queue="default",
    priority=0,
    max_retries=3,
    retries=1,
    attempts=2,
    lease=2,
    run_at=NOW + 4 * SECOND,
    timeout=None,
    backoff=Backoff(Strategy.LIST, delays=(1, 5)),
    env=None,
    cwd="/work",
    tags=("x", "y"),
    created_at=NOW,
    started_at=NOW + SECOND,
    finished_at=NOW + 3 * SECOND + 500_000,
    exit_code=1,
    signal=None,
    error="exit code 1",
    worker="worker_1_0",
    host="here",
    cancel_requested=False,
    seconds=2.25,
)
RUN = Run(
    job=7,
    lease=2,
    number=2,
    worker="worker_1_0",
    host="here",
    pid=99,
    pid_started=5,
    started_at=NOW,
    ended_at=NOW + 250_000,
    end=End.TIMED_OUT,
    exit_code=None,
    signal=9,
    error="timed out after 5s",
    output="store",
    seconds=0.2,
)


def test_a_record_of_a_job_has_the_fields_of_the_schema_and_not_its_row() -> None:
    record = JOB.as_record()
    assert set(record) >= DESIGN_FIELDS
    assert set(record) - DESIGN_FIELDS == {"cancel_requested"}


def test_a_record_of_a_job_has_the_values_of_the_schema() -> None:
    record = JOB.as_record()
    assert json.loads(json.dumps(record)) == record
    assert record["state"] == "failed"
    assert record["run_at"] == "2027-01-15T08:00:04Z"
    assert record["finished_at"] == "2027-01-15T08:00:03.500000Z"
    assert record["duration"] == 2.25
    assert record["backoff"] == {
        "strategy": "list", "base": 2, "delay": 1, "delays": [1, 5], "max": 3600, "jitter": 0
    }  # fmt: skip
    assert (record["env"], record["tags"], record["args"]) == ({}, ["x", "y"], None)


def test_a_record_of_a_job_with_a_program_has_its_words_and_variables() -> None:
    record = JOB._replace(command=None, args=("echo", "a b"), env={"A": "1"}).as_record()
    assert (record["command"], record["args"]) == (None, ["echo", "a b"])
    assert record["env"] == {"A": "1"}


def test_a_job_that_has_not_run_has_no_times_and_no_duration() -> None:
    record = JOB._replace(started_at=None, finished_at=None).as_record()
    assert (record["started_at"], record["finished_at"], record["duration"]) == (None, None, None)
    assert JOB._replace(finished_at=None).duration is None


@pytest.mark.parametrize(("later", "duration"), [(0.25, 0.25), (-86_400, 0)])
def test_a_run_that_nobody_measured_lasted_as_the_wall_clock_says_but_never_less_than_nothing(
    later: float, duration: float
) -> None:
    ended_at = NOW + round(later * SECOND)
    assert RUN._replace(ended_at=ended_at, seconds=None).duration == duration
    job = JOB._replace(started_at=NOW, finished_at=ended_at, seconds=None)
    assert job.duration == duration


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("echo", "hi"), "echo hi"),
        (("echo", "a b", "", "$x;'"), "echo 'a b' '' '$x;'\"'\"''"),
    ],
)
def test_the_line_of_a_program_is_one_that_a_shell_understands(
    args: tuple[str, ...], line: str
) -> None:
    assert JOB._replace(command=None, args=args).line == line


def test_the_line_of_a_shell_line_is_itself() -> None:
    assert JOB._replace(command="a | b > 'c d'").line == "a | b > 'c d'"


def test_the_tries_are_retries_used_and_allowed() -> None:
    assert JOB.tries == "1/3"
    assert JOB._replace(retries=0, max_retries=0).tries == "0/0"


def test_a_record_of_an_attempt_says_how_it_ended() -> None:
    record = RUN.as_record()
    assert json.loads(json.dumps(record)) == record
    assert record["attempt"] == 2
    assert record["outcome"] == "timed out"
    assert record["duration"] == 0.2
    assert record["ended_at"] == "2027-01-15T08:00:00.250000Z"


def test_a_record_of_an_attempt_that_runs_has_no_outcome() -> None:
    record = RUN._replace(ended_at=None, end=None).as_record()
    assert (record["ended_at"], record["duration"], record["outcome"]) == (None, None, None)


def test_a_record_of_a_change_says_from_where_to_where() -> None:
    change = Change(NOW, State.PENDING, State.PROCESSING, 1, None)
    assert change.as_record() == {
        "at": "2027-01-15T08:00:00Z",
        "from": "pending",
        "to": "processing",
        "lease": 1,
        "reason": None,
    }
    assert change._replace(before=None).as_record()["from"] is None
