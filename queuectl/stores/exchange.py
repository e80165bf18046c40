"""What goes into a store and comes out of it, besides jobs and processes."""

from typing import NamedTuple

from queuectl.domain.lifecycle import Decision, Outcome, State


class Added(NamedTuple):
    """What an enqueue did: the new jobs as (id, state), in order, and how many were skipped."""

    jobs: list[tuple[str, State]]
    skipped: int


class Cancelled(NamedTuple):
    """What a cancel did: jobs ended at once, and running jobs whose end is now wished."""

    ended: int
    asked: int


class Lease(NamedTuple):
    """One claim of one job: the only right to write about that run."""

    row: int
    lease: int


class Demand(NamedTuple):
    """What one worker can take now, besides what it has; no `queues` means any queue.

    Only a worker that has nothing is given a job that is to run alone, and then nothing else.
    """

    worker: str
    queues: tuple[str, ...]
    free: int
    held: int = 0


class Assignment(NamedTuple):
    """A claimed job with all that its worker needs to run it; `alone` without company."""

    row: int
    lease: int
    id: str
    attempt: int
    worker: str
    queue: str
    command: str | None
    args: tuple[str, ...] | None
    env: dict[str, str] | None
    cwd: str | None
    timeout: float | None
    alone: bool = False


class Started(NamedTuple):
    """A worker's word that a command runs as `pid`, started at that tick of its host's clock."""

    row: int
    lease: int
    pid: int
    pid_started: int


class Ended(NamedTuple):
    """The end of a run; `output` are transcript frames to keep in the store, None if in a file.

    `seconds` is the run time on the monotonic clock, None where nobody measured it.
    """

    row: int
    lease: int
    outcome: Outcome
    seconds: float | None
    output: bytes | None


class Turn(NamedTuple):
    """What one turn of a supervisor did; an end whose lease was not current is in `refused`."""

    decided: list[tuple[Lease, Decision]]
    refused: list[Lease]
    assignments: list[Assignment]


class Holding(NamedTuple):
    """A run that has not ended, as far as the store knows.

    `home` and `boot` are those of its supervisor, which is `fenced` if it was taken for dead.
    """

    row: int
    lease: int
    id: str
    supervisor: str
    worker: str
    host: str
    home: str
    boot: str
    supervisor_pid: int
    supervisor_started: int
    pid: int | None
    pid_started: int | None
    cancel_requested: bool
    fenced: bool
