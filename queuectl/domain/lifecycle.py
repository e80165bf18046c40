"""The states of a job, the one table of allowed transitions, and what follows an outcome."""

from enum import StrEnum
from typing import NamedTuple, assert_never

from queuectl.domain.errors import UnknownName, WrongState
from queuectl.domain.retry import Backoff
from queuectl.domain.timing import SECOND


class State(StrEnum):
    """Where a job stands; the order is the one in which people read counts."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DEAD = "dead"
    SCHEDULED = "scheduled"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"

    @property
    def letter(self) -> str:
        """The letter that tables and the store use."""
        return LETTERS[self]


LETTERS: dict[State, str] = {
    State.PENDING: "P",
    State.PROCESSING: "R",
    State.COMPLETED: "C",
    State.FAILED: "F",
    State.DEAD: "D",
    State.SCHEDULED: "S",
    State.BLOCKED: "B",
    State.CANCELLED: "X",
}
BY_LETTER: dict[str, State] = {letter: state for state, letter in LETTERS.items()}
ENDED = frozenset({State.COMPLETED, State.DEAD, State.CANCELLED})
WAITING = frozenset({State.SCHEDULED, State.BLOCKED, State.PENDING, State.FAILED})


class Event(StrEnum):
    """What can happen to a job."""

    PROMOTE = "promote"  # its run_at has come
    UNBLOCK = "unblock"  # the jobs it waited for have ended
    CLAIM = "claim"  # a supervisor took it for a worker
    RELEASE = "release"  # taken back uncharged: not started, interrupted by a shutdown, suspected
    SUCCEED = "succeed"  # exited 0
    FAIL = "fail"  # failed, and a retry is left
    BURY = "bury"  # failed, and no retry is left
    CANCEL = "cancel"  # a person ended it
    RETRY = "retry"  # a person wants it run again


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.SCHEDULED, Event.PROMOTE): State.PENDING,
    (State.FAILED, Event.PROMOTE): State.PENDING,
    (State.BLOCKED, Event.UNBLOCK): State.PENDING,
    (State.PENDING, Event.CLAIM): State.PROCESSING,
    (State.PROCESSING, Event.RELEASE): State.PENDING,
    (State.PROCESSING, Event.SUCCEED): State.COMPLETED,
    (State.PROCESSING, Event.FAIL): State.FAILED,
    (State.PROCESSING, Event.BURY): State.DEAD,
    (State.PROCESSING, Event.CANCEL): State.CANCELLED,
    (State.SCHEDULED, Event.CANCEL): State.CANCELLED,
    (State.BLOCKED, Event.CANCEL): State.CANCELLED,
    (State.PENDING, Event.CANCEL): State.CANCELLED,
    (State.FAILED, Event.CANCEL): State.CANCELLED,
    (State.FAILED, Event.RETRY): State.PENDING,
    (State.DEAD, Event.RETRY): State.PENDING,
    (State.CANCELLED, Event.RETRY): State.PENDING,
    (State.COMPLETED, Event.RETRY): State.PENDING,
}


def sources(event: Event) -> frozenset[State]:
    """The states in which `event` is allowed."""
    return frozenset(state for state, known in TRANSITIONS if known is event)


def target(event: Event) -> State:
    """The one state that `event` leads to."""
    (state,) = {to for (_, known), to in TRANSITIONS.items() if known is event}
    return state


def check(job_id: str, state: State, event: Event) -> State:
    """The state after `event`; raises `WrongState` where the table does not allow it."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        allowed = [known for known in State if known in sources(event)]
        raise WrongState(job_id, state, event, allowed) from None


def parse_state(text: str) -> State:
    """The state called `text`, by name or letter; raises `UnknownName`."""
    plain = text.strip()
    if plain.upper() in BY_LETTER:
        return BY_LETTER[plain.upper()]
    try:
        return State(plain.lower())
    except ValueError:
        raise UnknownName("state", text, list(State)) from None


class End(StrEnum):
    """How an attempt ended."""

    EXITED = "exited"  # with a code, 0 or not
    SIGNALED = "signaled"  # killed by a signal that the queue did not send
    OUT_OF_MEMORY = "out of memory"  # killed by the kernel, or its child was
    TIMED_OUT = "timed out"
    NOT_STARTED = "not started"  # no such program, no permission, no such folder
    WORKER_DIED = "worker died"
    SUPERVISOR_DIED = "supervisor died"  # and its worker with it
    HOST_DIED = "host died"  # the machine went down or was restarted
    INTERRUPTED = "interrupted"  # by a shutdown
    RETURNED = "returned"  # the claim was given back before anything started
    CANCELLED = "cancelled"  # ended because a person wished it
    SUSPECTED = "suspected"  # one of several in a worker that died: it runs again, alone


UNCHARGED = frozenset({End.INTERRUPTED, End.RETURNED, End.SUSPECTED})


class Outcome(NamedTuple):
    """The end of one attempt as the worker, or whoever found the remains, saw it."""

    end: End
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the command exited 0 by itself."""
        return self.end is End.EXITED and self.exit_code == 0


class Standing(NamedTuple):
    """What the decision about an ended attempt depends on, besides its outcome."""

    retries: int
    max_retries: int
    backoff: Backoff
    cancel_requested: bool


class Decision(NamedTuple):
    """What happens to a job next: apply it in one guarded write."""

    event: Event
    state: State
    retries: int
    run_at: int | None
    error: str | None


def decide(standing: Standing, outcome: Outcome, now: int, chance: float) -> Decision:
    """What follows `outcome` at instant `now`; `chance` in [0, 1) drives the jitter."""
    event = _event_after(standing, outcome)
    retries, run_at = standing.retries, None
    error = None if outcome.succeeded else outcome.error
    match event:
        case Event.FAIL:
            retries += 1
            run_at = now + round(standing.backoff.wait(retries, chance) * SECOND)
        case Event.RELEASE:
            run_at = now
    return Decision(event, TRANSITIONS[State.PROCESSING, event], retries, run_at, error)


def _event_after(standing: Standing, outcome: Outcome) -> Event:
    if outcome.succeeded:
        return Event.SUCCEED
    if standing.cancel_requested:
        return Event.CANCEL
    match outcome.end:
        case End.INTERRUPTED | End.RETURNED | End.SUSPECTED:
            return Event.RELEASE
        case End.CANCELLED:
            return Event.CANCEL
        case (
            End.EXITED
            | End.SIGNALED
            | End.OUT_OF_MEMORY
            | End.TIMED_OUT
            | End.NOT_STARTED
            | End.WORKER_DIED
            | End.SUPERVISOR_DIED
            | End.HOST_DIED
        ):
            return Event.FAIL if standing.retries < standing.max_retries else Event.BURY
    assert_never(outcome.end)
