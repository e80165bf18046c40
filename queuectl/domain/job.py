"""The job: what a person may ask for, and what the store holds about it."""

import shlex
from typing import Any, NamedTuple

from queuectl.domain.lifecycle import End, State
from queuectl.domain.retry import Backoff
from queuectl.domain.timing import SECOND, format_instant


class JobSpec(NamedTuple):
    """A checked wish for a job, with every default filled in.

    `command` is a shell line, `args` a program and its arguments; exactly one is set. `run_at`
    is an instant, `delay` seconds from the enqueue; at most one is set.
    """

    id: str | None
    command: str | None
    args: tuple[str, ...] | None
    queue: str
    priority: int
    max_retries: int
    run_at: int | None
    delay: float | None
    timeout: float | None
    backoff: Backoff
    env: dict[str, str] | None
    cwd: str | None
    tags: tuple[str, ...]


class Job(NamedTuple):
    """A job as the store holds it; instants are UTC microseconds, `timeout` seconds.

    `row` is its place in the store and never changes; `run_at` is when it is or became due, and
    so ready; `started_at` and `finished_at` speak of the latest attempt and the end of the job;
    `seconds` is how long that attempt ran by a clock that nobody sets, None where nobody measured.
    """

    row: int
    id: str
    state: State
    command: str | None
    args: tuple[str, ...] | None
    queue: str
    priority: int
    max_retries: int
    retries: int
    attempts: int
    lease: int
    run_at: int
    timeout: float | None
    backoff: Backoff
    env: dict[str, str] | None
    cwd: str | None
    tags: tuple[str, ...]
    created_at: int
    started_at: int | None
    finished_at: int | None
    exit_code: int | None
    signal: int | None
    error: str | None
    worker: str | None
    host: str | None
    cancel_requested: bool
    seconds: float | None

    @property
    def line(self) -> str:
        """The command as one line that a shell would understand."""
        return self.command if self.command is not None else shlex.join(self.args or ())

    @property
    def tries(self) -> str:
        """Retries used and allowed, as the column T shows them."""
        return f"{self.retries}/{self.max_retries}"

    @property
    def duration(self) -> float | None:
        """Seconds that the latest attempt ran, once the job has ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return _ran(self.seconds, self.started_at, self.finished_at)

    def as_record(self) -> dict[str, Any]:
        """The job with the field names and value types of the JSON schema."""
        record = self._asdict()
        del record["row"], record["seconds"]
        for name in ("run_at", "created_at", "started_at", "finished_at"):
            record[name] = _instant(record[name])
        record["state"] = str(self.state)
        record["args"] = None if self.args is None else list(self.args)
        record["backoff"] = self.backoff.as_record()
        record["env"] = self.env or {}
        record["tags"] = list(self.tags)
        record["duration"] = self.duration
        return record


class Run(NamedTuple):
    """One attempt: an execution of a job under one lease.

    `pid` and `pid_started` name the command's process, and so its group; `output` says where
    its output is kept: `none`, `store` or `file`; `seconds` is as that of a job.
    """

    job: int
    lease: int
    number: int
    worker: str
    host: str
    pid: int | None
    pid_started: int | None
    started_at: int
    ended_at: int | None
    end: End | None
    exit_code: int | None
    signal: int | None
    error: str | None
    output: str
    seconds: float | None

    @property
    def duration(self) -> float | None:
        """Seconds that it ran, once it has ended."""
        if self.ended_at is None:
            return None
        return _ran(self.seconds, self.started_at, self.ended_at)

    def as_record(self) -> dict[str, Any]:
        """The attempt with the field names and value types of the JSON schema."""
        return {
            "attempt": self.number,
            "lease": self.lease,
            "worker": self.worker,
            "host": self.host,
            "pid": self.pid,
            "started_at": format_instant(self.started_at),
            "ended_at": _instant(self.ended_at),
            "duration": self.duration,
            "outcome": None if self.end is None else str(self.end),
            "exit_code": self.exit_code,
            "signal": self.signal,
            "error": self.error,
        }


class Change(NamedTuple):
    """One change of a job's state; `state` is the new one, `before` None for the enqueue."""

    at: int
    before: State | None
    state: State
    lease: int
    reason: str | None

    def as_record(self) -> dict[str, Any]:
        """The change with the field names and value types of the JSON schema."""
        return {
            "at": format_instant(self.at),
            "from": None if self.before is None else str(self.before),
            "to": str(self.state),
            "lease": self.lease,
            "reason": self.reason,
        }


def _ran(seconds: float | None, started_at: int, ended_at: int) -> float:
    # Between two instants the wall clock may have been set.
    return max(0, ended_at - started_at) / SECOND if seconds is None else seconds


def _instant(value: int | None) -> str | None:
    return None if value is None else format_instant(value)
