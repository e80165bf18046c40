"""A store with a supervisor and workers, driven step by step, and audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from queuectl.domain.fleet import Desired, Supervisor
from queuectl.domain.job import Job, JobSpec
from queuectl.domain.lifecycle import ENDED, TRANSITIONS, End, Outcome, State
from queuectl.domain.retry import Backoff, Strategy
from queuectl.domain.selection import Selection
from queuectl.domain.timing import SECOND
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Assignment, Demand, Ended, Started, Turn

# For what only a store in a file can do.
on_sqlite = pytest.mark.parametrize("open_again", ["sqlite"], indirect=True)

Clock = Callable[[], int]
StoreFactory = Callable[[], Store]

SUCCESS = Outcome(End.EXITED, 0)
FAILURE = Outcome(End.EXITED, 1, None, "exit code 1")
INTERRUPTED = Outcome(End.INTERRUPTED, None, 15, "interrupted by a shutdown")
RETURNED = Outcome(End.RETURNED)
CANCELLED = Outcome(End.CANCELLED, None, 15, "signal 15")
SUSPECTED = Outcome(End.SUSPECTED, error="worker died: signal 9 (one of 2 jobs in the worker)")

ALL = Selection()
MOVES = {(before, after) for (before, _), after in TRANSITIONS.items()}
DELAY = 10.0  # seconds that a job of the scene waits before a retry
_SPEC = JobSpec(
    id=None,
    command="true",
    args=None,
    queue="default",
    priority=0,
    max_retries=3,
    run_at=None,
    delay=None,
    timeout=None,
    backoff=Backoff(Strategy.FIXED, delay=DELAY),
    env=None,
    cwd="/",
    tags=(),
)


class FakeClock:
    """Clocks of a host that stand still until they are moved."""

    def __init__(self) -> None:
        self.instant = 1_700_000_000 * SECOND
        self.uptime = 3600 * SECOND
        self.boots = 1

    def __call__(self) -> int:
        return self.instant

    def steady(self) -> int:
        return self.uptime

    @property
    def era(self) -> str:
        return f"boot {self.boots}"

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.instant += round(seconds * SECOND)
        self.uptime += round(seconds * SECOND)

    def step(self, seconds: float) -> None:
        """Set the wall clock."""
        self.instant += round(seconds * SECOND)

    def reboot(self, seconds: float) -> None:
        """Restart the machine, so long after it went off by the wall clock."""
        self.instant += round(seconds * SECOND)
        self.uptime = 5 * SECOND
        self.boots += 1


def spec(job_id: str | None = None, **fields: Any) -> JobSpec:
    """A spec with a command, changed by `fields`."""
    return _SPEC._replace(id=job_id, **fields)


def ids(*job_ids: str) -> Selection:
    return Selection(ids=job_ids)


def supervisor(name: str, *, host: str = "host", home: str = "/home") -> Supervisor:
    return Supervisor(name, host, home, 100, 5, "boot", "1.0", Desired.RUN, 1, 1, None, None)


class Scene:
    """One supervisor and one worker on a store."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.begin("supervisor")

    def begin(self, name: str) -> None:
        """Have a supervisor of this name take the place of the one before."""
        self.supervisor = name
        self.store.enter(supervisor(name))
        (self.worker,) = self.hire(1)

    def hire(self, count: int, *queues: str) -> list[str]:
        """The ids of new workers."""
        workers = self.store.want_workers(self.supervisor, count, 4, queues, Desired.RUN)
        return [worker.id for worker in workers]

    def enqueue(self, *specs: JobSpec) -> list[str]:
        """The ids of new jobs."""
        return [job_id for job_id, _ in self.store.add(specs).jobs]

    def demand(self, *demands: Demand) -> list[Assignment]:
        return self.store.turn(self.supervisor, demands=demands).assignments

    def claim(self, count: int = 1, *queues: str, held: int = 0) -> list[Assignment]:
        """Claim up to `count` jobs for the worker, which has `held` already."""
        return self.demand(Demand(self.worker, queues, count, held))

    def start(self, assignment: Assignment, pid: int = 7) -> None:
        self.store.turn(self.supervisor, [Started(assignment.row, assignment.lease, pid, 70)])

    def end(
        self,
        assignment: Assignment,
        outcome: Outcome,
        seconds: float | None = 1.5,
        output: bytes | None = b"",
    ) -> Turn:
        """Report the end of a run."""
        ended = Ended(assignment.row, assignment.lease, outcome, seconds, output)
        return self.store.turn(self.supervisor, (), [ended], chance=lambda: 0.0)

    def run(self, outcome: Outcome, count: int = 1) -> list[Assignment]:
        """Claim up to `count` jobs and end them all in the same way."""
        assignments = self.claim(count)
        for assignment in assignments:
            self.end(assignment, outcome)
        return assignments

    def job_in(self, state: State, job_id: str, **fields: Any) -> Job:
        """A new job brought into that state in the shortest way, in a queue named as it is."""
        if state is State.SCHEDULED:
            fields["delay"] = 60.0
        if state is State.DEAD:
            fields["max_retries"] = 0
        self.enqueue(spec(job_id, queue=job_id, **fields))
        if state is State.CANCELLED:
            self.store.cancel(ids(job_id))
        elif state not in (State.SCHEDULED, State.PENDING):
            (assignment,) = self.claim(1, job_id)
            if state is not State.PROCESSING:
                self.end(assignment, SUCCESS if state is State.COMPLETED else FAILURE)
        job = self.store.get(job_id)
        assert job.state is state
        return job

    def state(self, job_id: str) -> State:
        return self.store.get(job_id).state

    def moves(self, job_id: str) -> list[State]:
        """The states that a job has been in, in order."""
        return [change.state for change in self.store.changes(self.store.get(job_id).row)]


def audit(store: Store) -> None:
    """Whatever happened: what the store says about its jobs agrees with itself."""
    jobs = list(store.find(ALL))
    assert Counter((job.queue, job.state) for job in jobs) == store.tallies()
    assert len({job.id for job in jobs}) == len(jobs)
    held = {holding.row: holding.lease for holding in store.holdings()}
    assert held == {job.row: job.lease for job in jobs if job.state is State.PROCESSING}
    for job in jobs:
        _audit_history(store, job)


def _audit_history(store: Store, job: Job) -> None:
    first, *changes = store.changes(job.row)
    assert first.before is None
    state = first.state
    assert state.letter in "PS"
    for change in changes:
        assert change.before is state
        assert (change.before, change.state) in MOVES
        state = change.state
    assert state is job.state
    runs = store.runs(job.row)
    assert [run.number for run in runs] == list(range(1, job.attempts + 1))
    assert sorted({run.lease for run in runs}) == [run.lease for run in runs]
    unended = [run.lease for run in runs if run.end is None]
    assert unended == ([job.lease] if job.state is State.PROCESSING else [])
    assert (job.finished_at is not None) == (job.state in ENDED)
