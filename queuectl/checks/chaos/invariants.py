"""The promises, as code that finds where evidence contradicts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from queuectl.checks.chaos.evidence import Evidence, History, Sign
from queuectl.domain.job import Run
from queuectl.domain.lifecycle import ENDED, TRANSITIONS, UNCHARGED, End, Event, State, sources

_ALLOWED = {(before, after) for (before, _), after in TRANSITIONS.items()}
_LATE = (Sign.ALIVE, Sign.END)
_RETRIED = "retried by a person"


class Violation(NamedTuple):
    """A promise that did not hold, and what shows it."""

    promise: str
    what: str


class Invariant(NamedTuple):
    """A promise in few words, the same in full, and the search for contradictions."""

    name: str
    promise: str
    contradictions: Callable[[Evidence], Iterator[str]]


def violations(evidence: Evidence) -> list[Violation]:
    """All contradictions between the evidence and the promises."""
    return [
        Violation(invariant.name, what)
        for invariant in INVARIANTS
        for what in invariant.contradictions(evidence)
    ]


def _lost(evidence: Evidence) -> Iterator[str]:
    for job_id in sorted(evidence.acknowledged - evidence.histories.keys()):
        yield f"{job_id} was acknowledged and is gone"


def _not_in_one_state(evidence: Evidence) -> Iterator[str]:
    for job_id, (job, _, changes) in evidence.histories.items():
        for earlier, later in pairwise(changes):
            if later.before is not earlier.state:
                yield f"{job_id} left {later.before} while it was {earlier.state}"
            elif (later.before, later.state) not in _ALLOWED:
                yield f"{job_id} went from {later.before} to {later.state}"
        if changes[-1].state is not job.state:
            yield f"{job_id} is {job.state}, its history ends with {changes[-1].state}"
    counted = Counter((each.job.queue, each.job.state) for each in evidence.histories.values())
    told = Counter({key: count for key, count in evidence.tallies.items() if count})
    if counted != told:
        yield f"counted {dict(counted)}, told {dict(told)}"


def _stranded(evidence: Evidence) -> Iterator[str]:
    for job_id, (job, _, _) in evidence.histories.items():
        if job.state not in ENDED:
            yield f"{job_id} is {job.state} for ever"


def _decided_twice(evidence: Evidence) -> Iterator[str]:
    for job_id, (_, _, changes) in evidence.histories.items():
        claims = [each.lease for each in changes if each.state is State.PROCESSING]
        if claims != sorted(set(claims)):
            yield f"{job_id} was claimed under the leases {claims}"
        ends = Counter(each.lease for each in changes if each.before is State.PROCESSING)
        for lease, count in ends.items():
            if count > 1 or lease not in claims:
                yield f"{job_id} has {count} outcomes under lease {lease}"


def _overlapping(evidence: Evidence) -> Iterator[str]:
    for job_id, marks in evidence.marks.items():
        latest = 0
        for mark in marks:
            if mark.sign is Sign.START:
                latest = mark.lease
            elif mark.sign is Sign.MET:
                yield f"{job_id} under lease {mark.lease} met something of an earlier run"
            elif mark.sign in _LATE and mark.lease != latest:
                yield f"{job_id} of lease {mark.lease} lived when lease {latest} had started"


def _miscounted(evidence: Evidence) -> Iterator[str]:
    for job_id, (job, runs, _) in evidence.histories.items():
        starts = Counter(
            mark.lease for mark in evidence.marks.get(job_id, ()) if mark.sign is Sign.START
        )
        if [run.number for run in runs] != list(range(1, job.attempts + 1)):
            yield f"{job_id} counts {job.attempts} attempts, has {[run.number for run in runs]}"
        for lease in starts.keys() - {run.lease for run in runs}:
            yield f"{job_id} started under lease {lease}, which is no attempt"
        for lease, count in starts.items():
            if count > 1:
                yield f"{job_id} started {count} times under lease {lease}"
        for run in runs:
            if run.end is End.EXITED and not starts[run.lease]:
                yield f"{job_id} exited under lease {run.lease} and never started"


def _wrongly_charged(evidence: Evidence) -> Iterator[str]:
    for job_id, history in evidence.histories.items():
        job, charged = history.job, _charged(history)
        allowed = job.max_retries + (job.state is State.DEAD)
        if charged > allowed or (job.state is State.DEAD and charged < allowed):
            yield f"{job_id} is {job.state} after {charged} failures, {job.max_retries} retries"
        elif job.retries != min(charged, job.max_retries):
            yield f"{job_id} counts {job.retries} retries after {charged} failures"


def _charged(history: History) -> int:
    """Charged failures since a person wished the job to run again."""
    count = 0
    ends = {run.lease: run.end for run in history.runs}
    for change in history.changes:
        if change.before in sources(Event.RETRY) and change.state is State.PENDING:
            count = 0 if change.reason == _RETRIED else count
        elif change.state in (State.FAILED, State.DEAD):
            count += ends.get(change.lease) not in UNCHARGED
    return count


def _undone(evidence: Evidence) -> Iterator[str]:
    for job_id, (job, runs, _) in evidence.histories.items():
        if job.state is not State.COMPLETED:
            continue
        ended = {mark.lease for mark in evidence.marks.get(job_id, ()) if mark.sign is Sign.END}
        if runs[-1].lease not in ended:
            yield f"{job_id} is completed, its last run never came to its end"


def _unwished(evidence: Evidence) -> Iterator[str]:
    for job_id, (job, _, _) in evidence.histories.items():
        if job.state is State.CANCELLED and job_id not in evidence.cancels:
            yield f"{job_id} is cancelled, and nobody wished it"


def _in_company(evidence: Evidence) -> Iterator[str]:
    stays: dict[str, list[_Stay]] = {}
    for history in evidence.histories.values():
        for run, alone in _with_company(history):
            end = run.started_at if run.ended_at is None else run.ended_at
            stay = _Stay(run.started_at, end, history.job.id, alone)
            stays.setdefault(run.worker, []).append(stay)
    for worker, known in stays.items():
        latest = _Stay(0, 0, "", False)
        for stay in sorted(known):
            if stay.start < latest.end and (stay.alone or latest.alone):
                yield f"{stay.job_id} and {latest.job_id} shared {worker}, and one is a suspect"
            latest = max(latest, stay, key=lambda each: each.end)


class _Stay(NamedTuple):
    """A run in a worker, and whether it was to be alone there."""

    start: int
    end: int
    job_id: str
    alone: bool


def _with_company(history: History) -> Iterator[tuple[Run, bool]]:
    """The runs of a job, and whether each was to be alone."""
    wishes = [each.lease for each in history.changes if each.reason == _RETRIED]
    suspected, last = False, 0
    for run in history.runs:
        if any(last <= lease < run.lease for lease in wishes):
            suspected = False
        yield run, suspected
        suspected, last = suspected or run.end is End.SUSPECTED, run.lease


def _left_alive(evidence: Evidence) -> Iterator[str]:
    for process in evidence.alive:
        yield f"alive at the end: {process}"


INVARIANTS = (
    Invariant("kept", "no acknowledged job is lost", _lost),
    Invariant(
        "one state", "a job is in one state, reached step by allowed step", _not_in_one_state
    ),
    Invariant("moving", "no job is stranded", _stranded),
    Invariant("fenced", "a lease has one claim and at most one outcome", _decided_twice),
    Invariant("one copy", "runs of a job never overlap, with all that they started", _overlapping),
    Invariant("counted", "attempts are what really started", _miscounted),
    Invariant(
        "charged", "failures are charged once, and the DLQ waits for the last", _wrongly_charged
    ),
    Invariant("done", "completed means that the command came to its end", _undone),
    Invariant("wished", "only a person cancels", _unwished),
    Invariant("alone", "a suspect has no company in its worker", _in_company),
    Invariant("ended", "nothing lives at the end", _left_alive),
)
