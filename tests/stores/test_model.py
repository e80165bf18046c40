"""A store and a model of it that is small enough to be right agree, whatever is done to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from queuectl.domain.errors import SupervisorLost, WrongState
from queuectl.domain.lifecycle import (
    ENDED,
    TRANSITIONS,
    Decision,
    End,
    Event,
    Outcome,
    Standing,
    State,
    decide,
    sources,
)
from queuectl.domain.retry import Backoff, Strategy
from queuectl.domain.selection import Selection
from queuectl.domain.timing import SECOND
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Assignment, Ended, Started
from queuectl.stores.postgres import PostgresStore
from queuectl.stores.sqlite import SqliteStore
from tests.stores.scene import (
    ALL,
    CANCELLED,
    DELAY,
    FAILURE,
    INTERRUPTED,
    RETURNED,
    SUCCESS,
    SUSPECTED,
    FakeClock,
    Scene,
    audit,
    ids,
    spec,
)
from tests.support import postgres

QUEUES = ("one", "two", "three")
queues = st.sampled_from(QUEUES)
deeds = st.sampled_from(["cancel", "retry", "remove"])
ALLOWED = {
    "cancel": sources(Event.CANCEL),
    "retry": sources(Event.RETRY),
    "remove": frozenset(State) - {State.PROCESSING},
}
outcomes = st.sampled_from([SUCCESS, FAILURE, FAILURE, INTERRUPTED, RETURNED, CANCELLED, SUSPECTED])
SUPERVISOR_DIED = Outcome(End.SUPERVISOR_DIED, error="supervisor died")
# Which of the jobs there are, by a number that may be larger than their count.
choices = st.lists(st.integers(0, 99), min_size=1, max_size=3)


@dataclass
class ModelJob:
    """What a store is to know about a job."""

    row: int
    state: State
    queue: str
    priority: int
    max_retries: int
    run_at: int
    retries: int = 0
    attempts: int = 0
    lease: int = 0
    wished: bool = False
    finished_at: int | None = None
    changes: int = 1
    alone: bool = field(default=False, compare=False)

    def move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]
        self.changes += 1


class StoreMachine(RuleBasedStateMachine):
    """Does to both what people, time and supervisors do."""

    opener: Callable[[Path, FakeClock], Store]
    folder: Path
    clock_can_be_set = True

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory(dir=self.folder)
        self.clock = FakeClock()
        self.store = type(self).opener(Path(self.place.name), self.clock)
        self.scene = Scene(self.store, self.clock)
        self.jobs: dict[int, ModelJob] = {}
        self.held: dict[int, Assignment] = {}
        self.past: list[Assignment] = []
        self.started: dict[int, int] = {}  # pids of runs that have begun
        self.supervisors = 1
        self.ended_after: dict[int, int] = {}  # by the clock that nobody sets
        self.was_set = False

    def teardown(self) -> None:
        self.store.close()
        self.place.cleanup()

    @initialize()
    def fill(self) -> None:
        for number in range(6):
            self.enqueue(1, QUEUES[number % 3], number % 2, number % 3, None)

    @rule(
        count=st.integers(1, 3),
        queue=queues,
        priority=st.integers(-1, 1),
        max_retries=st.integers(0, 2),
        delay=st.sampled_from([None, None, 5.0]),
    )
    def enqueue(
        self, count: int, queue: str, priority: int, max_retries: int, delay: float | None
    ) -> None:
        wish = spec(queue=queue, priority=priority, max_retries=max_retries, delay=delay)
        for job_id in self.scene.enqueue(*[wish] * count):
            state = State.SCHEDULED if delay else State.PENDING
            due = self.clock.instant + round((delay or 0) * SECOND)
            row = int(job_id[1:])
            assert row not in self.jobs
            self.jobs[row] = ModelJob(row, state, queue, priority, max_retries, due)

    @rule(count=st.integers(1, 4), named=st.lists(queues, max_size=2, unique=True))
    def claim(self, count: int, named: list[str]) -> None:
        assignments = self.scene.claim(count, *named, held=len(self.held))
        self._promote()
        ready = [
            job
            for job in self.jobs.values()
            if job.state is State.PENDING and (not named or job.queue in named)
        ]
        ready.sort(key=lambda job: (-job.priority, job.row))
        wanted = self._fitting(ready[:count])
        assert [each.row for each in assignments] == [job.row for job in wanted]
        for assignment in assignments:
            job = self.jobs[assignment.row]
            assert assignment.alone == job.alone
            job.move(Event.CLAIM)
            job.lease += 1
            job.attempts += 1
            assert (assignment.lease, assignment.attempt) == (job.lease, job.attempts)
            self.held[job.row] = assignment

    def _fitting(self, ready: list[ModelJob]) -> list[ModelJob]:
        """What the one worker gets: a suspect only where it has nothing, and then nothing else."""
        loner = next((place for place, job in enumerate(ready) if job.alone), len(ready))
        has_nothing = not self.held
        if loner == 0 and has_nothing:
            return ready[:1]
        return ready[:loner]

    @rule(choice=st.integers(0, 99), outcome=outcomes)
    def end(self, choice: int, outcome: Outcome) -> None:
        if not self.held:
            return
        assignment = self.held[list(self.held)[choice % len(self.held)]]
        decision = self._decision(self.jobs[assignment.row], outcome)
        turn = self.scene.end(assignment, outcome)
        assert [each for _, each in turn.decided] == [decision]
        self._ended(assignment, outcome, decision)

    def _decision(self, job: ModelJob, outcome: Outcome) -> Decision:
        backoff = Backoff(Strategy.FIXED, delay=DELAY)
        standing = Standing(job.retries, job.max_retries, backoff, job.wished)
        return decide(standing, outcome, self.clock.instant, 0.0)

    def _ended(self, assignment: Assignment, outcome: Outcome, decision: Decision) -> None:
        job = self.jobs[assignment.row]
        del self.held[job.row]
        self.started.pop(job.row, None)
        job.move(decision.event)
        job.retries = decision.retries
        job.run_at = job.run_at if decision.run_at is None else decision.run_at
        job.attempts -= outcome is RETURNED
        job.alone = job.alone or outcome is SUSPECTED
        if job.state in ENDED:
            self._finish(job)
        self._promote()
        self.past.append(assignment)

    @rule(choice=st.integers(0, 99), pid=st.integers(1, 9))
    def start(self, choice: int, pid: int) -> None:
        if self.held:
            assignment = self.held[list(self.held)[choice % len(self.held)]]
            self.scene.start(assignment, pid)
            self._promote()
            self.started[assignment.row] = pid

    @rule(outcome=outcomes, fenced=st.booleans(), settled=st.integers(0, 4))
    def the_lease_is_lost(self, outcome: Outcome, fenced: bool, settled: int) -> None:
        """Another supervisor takes the place of this one, and settles runs that it held."""
        lost, left_by = dict(self.held), self.scene.supervisor
        if fenced:
            (known,) = (one for one in self.store.supervisors() if one.id == left_by)
            assert self.store.fence(left_by, known.heartbeat_at)
        self.supervisors += 1
        self.scene.begin(f"supervisor {self.supervisors}")
        for assignment in list(lost.values())[:settled]:
            self._rescue(assignment)
        self._says_late(left_by, list(lost.values()), outcome, fenced)

    def _rescue(self, assignment: Assignment) -> None:
        decision = self._decision(self.jobs[assignment.row], SUPERVISOR_DIED)
        turn = self.scene.end(assignment, SUPERVISOR_DIED)
        assert [each for _, each in turn.decided] == [decision]
        self._ended(assignment, SUPERVISOR_DIED, decision)
        self._promote()

    def _says_late(
        self, supervisor: str, lost: list[Assignment], outcome: Outcome, fenced: bool
    ) -> None:
        """Word of a supervisor that was replaced: good for what is still under its lease."""
        for assignment in lost:
            lease = (assignment.row, assignment.lease)
            words = ([Started(*lease, 7, 70)], [Ended(*lease, outcome, 1.5, b"")])
            if fenced:
                with pytest.raises(SupervisorLost):
                    self.store.turn(supervisor, *words, chance=lambda: 0.0)
                continue
            decision = None
            if assignment.row in self.held:
                decision = self._decision(self.jobs[assignment.row], outcome)
            turn = self.store.turn(supervisor, *words, chance=lambda: 0.0)
            assert [each for _, each in turn.decided] == ([decision] if decision else [])
            assert bool(turn.refused) == (decision is None)
            if decision:
                self._ended(assignment, outcome, decision)
            self._promote()

    @rule(named=st.lists(queues, max_size=1), outcome=outcomes)
    def run(self, named: list[str], outcome: Outcome) -> None:
        self.claim(1, named)
        self.end(-1, outcome)

    @rule(choice=st.integers(0, 99), outcome=outcomes)
    def end_late(self, choice: int, outcome: Outcome) -> None:
        for assignment in self.past[choice % 3 :: 3]:
            turn = self.scene.end(assignment, outcome)
            assert turn.decided == []
            self._promote()

    @rule(deed=deeds, choice=choices)
    def wish(self, deed: str, choice: list[int]) -> None:
        jobs = list(self.jobs.values())
        chosen = {id(job): job for job in (jobs[n % len(jobs)] for n in choice if jobs)}
        if chosen:
            self._wish(deed, list(chosen.values()))

    @rule(deed=deeds, queue=queues, state=st.sampled_from(State))
    def wish_by_filter(self, deed: str, queue: str, state: State) -> None:
        matching = [job for job in self.jobs.values() if (job.queue, job.state) == (queue, state)]
        getattr(self.store, deed)(Selection(queues=(queue,), states=(state,)))
        if state in ALLOWED[deed]:
            self._fulfil(deed, matching)

    def _wish(self, deed: str, jobs: list[ModelJob]) -> None:
        selection = ids(*(f"j{job.row}" for job in jobs))
        if all(job.state in ALLOWED[deed] for job in jobs):
            getattr(self.store, deed)(selection)
            self._fulfil(deed, jobs)
            return
        with pytest.raises(WrongState):
            getattr(self.store, deed)(selection)

    def _fulfil(self, deed: str, jobs: list[ModelJob]) -> None:
        for job in jobs:
            match deed:
                case "cancel":
                    self._cancel(job)
                case "retry":
                    job.move(Event.RETRY)
                    job.retries, job.wished, job.finished_at, job.alone = 0, False, None, False
                    job.run_at = self.clock.instant
                case _:
                    del self.jobs[job.row]

    def _cancel(self, job: ModelJob) -> None:
        if job.state is State.PROCESSING:
            job.wished = True
        else:
            job.move(Event.CANCEL)
            self._finish(job)

    def _finish(self, job: ModelJob) -> None:
        job.finished_at = self.clock.instant
        self.ended_after[job.row] = self.clock.uptime

    @rule(age=st.integers(0, 20), keep=st.none() | st.integers(0, 4), limit=st.integers(1, 5))
    def prune(self, age: int, keep: int | None, limit: int) -> None:
        before = self.clock.instant - age * SECOND
        ended = [job for job in self.jobs.values() if job.finished_at is not None]
        ended.sort(key=lambda job: (job.finished_at, job.row))
        excess = 0 if keep is None else len(ended) - keep
        expired = [
            job.row
            for position, job in enumerate(ended)
            if position < excess or (job.finished_at or 0) < before
        ]
        removed = {lease.row for lease in self.store.prune(age * SECOND, keep, limit)}
        oldest = [job.row for job in ended][: len(removed)]
        assert removed == set(oldest)
        assert self.was_set or removed == set(expired[:limit])
        for position, row in enumerate(oldest):
            passed = self.clock.uptime - self.ended_after[row]
            assert position < excess or passed > age * SECOND
            del self.jobs[row]

    @precondition(lambda self: self.clock_can_be_set)
    @rule(seconds=st.sampled_from([-30, -5, 4, 86_400]))
    def the_wall_clock_is_set(self, seconds: float) -> None:
        self.clock.step(seconds)
        self.was_set = True
        for job in self.jobs.values():
            if job.state in (State.SCHEDULED, State.FAILED):
                job.run_at += round(seconds * SECOND)

    @rule(seconds=st.sampled_from([0.5, 5, 10]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        if seconds == 10:
            self.store.promote()
            self._promote()

    def _promote(self) -> None:
        for job in self.jobs.values():
            waits = job.state in (State.SCHEDULED, State.FAILED)
            if waits and job.run_at <= self.clock.instant:
                job.move(Event.PROMOTE)

    @invariant()
    def both_agree(self) -> None:
        found = {
            job.row: ModelJob(
                job.row,
                job.state,
                job.queue,
                job.priority,
                job.max_retries,
                job.run_at,
                job.retries,
                job.attempts,
                job.lease,
                job.cancel_requested,
                job.finished_at,
                len(self.store.changes(job.row)),
            )
            for job in self.store.find(ALL)
        }
        assert found == self.jobs
        holdings = {holding.row: holding for holding in self.store.holdings()}
        assert {row: held.lease for row, held in self.held.items()} == {
            row: holding.lease for row, holding in holdings.items()
        }
        begun = {row: holding.pid for row, holding in holdings.items() if holding.pid is not None}
        assert begun == self.started
        audit(self.store)
        waits = [job.run_at for job in self.jobs.values() if job.state is State.PENDING]
        assert self.store.oldest_pending() == min(waits, default=None)
        due = [
            job.run_at for job in self.jobs.values() if job.state in (State.SCHEDULED, State.FAILED)
        ]
        assert self.store.next_due() == min(due, default=None)


def test_store_and_model_agree_on_sqlite(folder: Path) -> None:
    def open_new(place: Path, clock: FakeClock) -> Store:
        return SqliteStore(str(place / "store.db"), clock)

    _compare(open_new, folder, examples=60)


def test_store_and_model_agree_on_postgresql(folder: Path, postgres_url: str) -> None:
    def open_new(place: Path, clock: FakeClock) -> Store:
        postgres.empty(postgres_url)
        return PostgresStore(postgres_url, clock)

    _compare(open_new, folder, examples=10, clock_can_be_set=False)


def _compare(
    open_new: Callable[[Path, FakeClock], Store], folder: Path, *, examples: int, **fixed: object
) -> None:
    fixed |= {"opener": staticmethod(open_new), "folder": folder}
    run_state_machine_as_test(
        type("Machine", (StoreMachine,), fixed),
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
