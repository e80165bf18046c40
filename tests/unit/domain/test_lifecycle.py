"""A job is always in one state, and no sequence of events loses or doubles an attempt."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.errors import UnknownName, WrongState
from queuectl.domain.lifecycle import (
    BY_LETTER,
    ENDED,
    LETTERS,
    TRANSITIONS,
    UNCHARGED,
    WAITING,
    Decision,
    End,
    Event,
    Outcome,
    Standing,
    State,
    check,
    decide,
    parse_state,
    sources,
    target,
)
from queuectl.domain.retry import Backoff

NOW = 1_800_000_000_000_000
SECOND = 1_000_000
FIRST_STATES = (State.PENDING, State.SCHEDULED, State.BLOCKED)
SUCCESS = Outcome(End.EXITED, 0)
FAILURES = [
    Outcome(End.EXITED, 1, error="exit code 1"),
    Outcome(End.SIGNALED, signal=11, error="signal 11"),
    Outcome(End.OUT_OF_MEMORY, signal=9, error="out of memory: killed by the kernel"),
    Outcome(End.TIMED_OUT, error="timed out after 5s"),
    Outcome(End.NOT_STARTED, error="no such program"),
    Outcome(End.WORKER_DIED, error="worker died: signal 9"),
    Outcome(End.SUPERVISOR_DIED, error="supervisor died"),
    Outcome(End.HOST_DIED, error="host died"),
]
NOT_CHARGED = [Outcome(end) for end in sorted(UNCHARGED)]
OUTCOMES = [SUCCESS, *FAILURES, *NOT_CHARGED, Outcome(End.CANCELLED)]


@dataclass
class Walker:
    """A job whose life is kept as a store keeps it, and counted a second time by what happened."""

    max_retries: int
    state: State
    retries: int = 0
    attempts: int = 0
    cancel_requested: bool = False
    claims: int = 0
    given_back: int = 0
    ended: int = 0
    charged: int = 0  # failures since the last retry by a person

    def happen(self, event: Event) -> None:
        self.state = check("a", self.state, event)
        if event is Event.CLAIM:
            self.claims += 1
            self.attempts += 1
        if event is Event.RETRY:
            self.retries = self.charged = 0

    def end(self, outcome: Outcome, chance: float = 0.0) -> Decision:
        standing = Standing(self.retries, self.max_retries, Backoff(), self.cancel_requested)
        decision = decide(standing, outcome, NOW, chance)
        assert decision.state is check("a", self.state, decision.event)
        self.state, self.retries = decision.state, decision.retries
        self.cancel_requested = False
        if outcome.end is End.RETURNED:
            self.given_back += 1
            self.attempts -= 1
        else:
            self.ended += 1
        self.charged += decision.event in (Event.FAIL, Event.BURY)
        return decision

    def run(self, outcome: Outcome) -> Decision:
        if self.state is State.FAILED:
            self.happen(Event.PROMOTE)
        self.happen(Event.CLAIM)
        return self.end(outcome)


BY_WORKER = frozenset(event for state, event in TRANSITIONS if state is State.PROCESSING)


@given(st.data(), st.integers(0, 4), st.sampled_from(FIRST_STATES))
def test_no_sequence_of_events_loses_or_doubles_an_attempt(
    data: st.DataObject, max_retries: int, first: State
) -> None:
    job = Walker(max_retries, first)
    for _ in range(data.draw(st.integers(0, 40), "steps")):
        if job.state is State.PROCESSING:
            job.cancel_requested = data.draw(st.booleans(), "cancel requested")
            job.end(data.draw(st.sampled_from(OUTCOMES), "outcome"), data.draw(st.floats(0, 0.99)))
        else:
            possible = sorted(event for state, event in TRANSITIONS if state is job.state)
            job.happen(data.draw(st.sampled_from(possible), "event"))
        running = job.state is State.PROCESSING
        assert job.attempts == job.claims - job.given_back
        assert job.attempts == job.ended + running
        assert job.retries == min(job.charged, job.max_retries)
        assert job.charged <= 1 + job.max_retries
        assert (job.charged == 1 + job.max_retries) <= (job.state is State.DEAD)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure.end))
@pytest.mark.parametrize("max_retries", [0, 1, 3, 10])
def test_a_job_that_always_fails_runs_once_and_its_retries_and_then_is_dead(
    max_retries: int, failure: Outcome
) -> None:
    job = Walker(max_retries, State.PENDING)
    while job.state is not State.DEAD:
        job.run(failure)
    assert job.attempts == 1 + max_retries
    assert job.retries == max_retries


@given(st.integers(0, 5), st.lists(st.sampled_from(NOT_CHARGED), max_size=20))
def test_runs_that_are_not_charged_take_no_retry_away(
    max_retries: int, interruptions: list[Outcome]
) -> None:
    job = Walker(max_retries, State.PENDING)
    failures = 0
    while job.state is not State.DEAD:
        if interruptions:
            decision = job.run(interruptions.pop())
            assert (decision.state, decision.run_at) == (State.PENDING, NOW)
        job.run(FAILURES[0])
        failures += 1
    assert failures == 1 + max_retries


def test_a_retry_by_a_person_gives_all_retries_again() -> None:
    job = Walker(2, State.PENDING)
    for rounds in (1, 2, 3):
        while job.state is not State.DEAD:
            job.run(FAILURES[0])
        assert job.attempts == 3 * rounds
        job.happen(Event.RETRY)
        assert (job.state, job.retries) == (State.PENDING, 0)


@given(
    st.sampled_from(OUTCOMES),
    st.integers(0, 10),
    st.integers(0, 10),
    st.floats(0, 1, exclude_max=True),
)
def test_every_outcome_ends_the_processing_and_only_a_failure_waits(
    outcome: Outcome, retries: int, max_retries: int, chance: float
) -> None:
    standing = Standing(retries, max_retries, Backoff(jitter=0.5), cancel_requested=False)
    decision = decide(standing, outcome, NOW, chance)
    assert TRANSITIONS[State.PROCESSING, decision.event] is decision.state
    assert (decision.run_at is not None) == (decision.event in (Event.FAIL, Event.RELEASE))
    assert decision.run_at is None or decision.run_at >= NOW
    assert decision.retries == retries + (decision.event is Event.FAIL)
    assert decision.error == outcome.error


def test_the_waits_of_the_retries_double_by_default() -> None:
    job = Walker(3, State.PENDING)
    waits = [job.run(FAILURES[0]).run_at for _ in range(4)]
    assert waits == [NOW + 2 * SECOND, NOW + 4 * SECOND, NOW + 8 * SECOND, None]
    assert job.state is State.DEAD


def test_chance_drives_the_jitter() -> None:
    standing = Standing(0, 3, Backoff(jitter=0.5), cancel_requested=False)
    assert decide(standing, FAILURES[0], NOW, 0.5).run_at == NOW + 2.5 * SECOND


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: str(outcome.end))
def test_a_cancel_that_was_wished_wins_over_all_but_success(outcome: Outcome) -> None:
    decision = decide(Standing(0, 3, Backoff(), cancel_requested=True), outcome, NOW, 0.0)
    wanted = State.COMPLETED if outcome is SUCCESS else State.CANCELLED
    assert decision.state is wanted
    assert decision.retries == 0
    assert decision.run_at is None


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(End.TIMED_OUT, 0),
        Outcome(End.SIGNALED, 0),
        Outcome(End.WORKER_DIED, 0),
        Outcome(End.EXITED, None),
        Outcome(End.EXITED, 255),
    ],
)
def test_only_a_command_that_exited_0_by_itself_succeeded(outcome: Outcome) -> None:
    assert not outcome.succeeded


def test_a_completed_job_keeps_no_error() -> None:
    outcome = Outcome(End.EXITED, 0, error="a warning")
    assert decide(Standing(1, 3, Backoff(), False), outcome, NOW, 0.0).error is None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_what_the_table_does_not_allow_is_refused(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert check("a", state, event) is TRANSITIONS[state, event]
        assert state in sources(event)
        return
    assert state not in sources(event)
    with pytest.raises(WrongState) as raised:
        check("a", state, event)
    assert str(raised.value).startswith(f"cannot {event} job 'a': it is {state}, not ")
    assert raised.value.exit_code == 1
    assert set(raised.value.allowed) == sources(event)


@pytest.mark.parametrize("event", Event)
def test_an_event_leads_to_one_state(event: Event) -> None:
    assert {TRANSITIONS[state, event] for state in sources(event)} == {target(event)}


def test_every_state_can_be_reached_and_left() -> None:
    reached = set(FIRST_STATES)
    for _ in State:
        reached |= {to for (state, _), to in TRANSITIONS.items() if state in reached}
    assert reached == set(State)
    assert {state for state, _ in TRANSITIONS} == set(State)


def test_only_a_person_gets_a_job_out_of_an_end() -> None:
    assert {event for state, event in TRANSITIONS if state in ENDED} == {Event.RETRY}


def test_a_claim_is_the_only_way_into_processing() -> None:
    ways = [pair for pair, to in TRANSITIONS.items() if to is State.PROCESSING]
    assert ways == [(State.PENDING, Event.CLAIM)]
    assert BY_WORKER.isdisjoint({Event.CLAIM, Event.PROMOTE, Event.UNBLOCK, Event.RETRY})


def test_a_state_is_ended_or_waiting_or_processing() -> None:
    assert ENDED | WAITING | {State.PROCESSING} == set(State)
    assert ENDED.isdisjoint(WAITING)


def test_a_person_can_cancel_what_has_not_ended_and_retry_what_has() -> None:
    assert sources(Event.CANCEL) == set(State) - ENDED
    assert sources(Event.RETRY) == ENDED | {State.FAILED}


def test_each_state_has_a_letter_of_its_own() -> None:
    assert "".join(LETTERS[state] for state in State) == "PRCFDSBX"
    assert {BY_LETTER[state.letter]: None for state in State}.keys() == set(State)


@pytest.mark.parametrize("state", State)
def test_a_state_is_read_by_name_or_letter_in_any_case(state: State) -> None:
    for text in (state, state.upper(), f" {state} ", state.letter, state.letter.lower()):
        assert parse_state(text) is state


@pytest.mark.parametrize("text", ["", " ", "Q", "PR", "pendng", "all", "pending,failed"])
def test_an_unknown_state_is_refused(text: str) -> None:
    with pytest.raises(UnknownName, match="unknown state"):
        parse_state(text)
