"""The checker finds what is planted: each promise has a fault that only its invariant catches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from queuectl.checks.chaos.evidence import Evidence, History, Mark, Sign
from queuectl.checks.chaos.invariants import INVARIANTS, violations
from queuectl.domain.job import Change, Job, Run
from queuectl.domain.lifecycle import End, State
from queuectl.domain.retry import Backoff

P, R, C, F, D, X = (
    State.PENDING,
    State.PROCESSING,
    State.COMPLETED,
    State.FAILED,
    State.DEAD,
    State.CANCELLED,
)
START, ALIVE, MET, END = Sign.START, Sign.ALIVE, Sign.MET, Sign.END
Plant = Callable[["Story"], None]


class Story:
    """Evidence in the making: sound until something is planted."""

    def __init__(self) -> None:
        self.histories: dict[str, History] = {}
        self.acknowledged: set[str] = set()
        self.cancels: set[str] = set()
        self.marks: dict[str, list[Mark]] = {}
        self.tallies: Counter[tuple[str, State]] = Counter()
        self.alive: tuple[str, ...] = ()

    def add(self, job_id: str, states: str, ends: list[End], marks: str, **fields: Any) -> None:
        """A job that went through `states` (letters), its runs ended so; marks as `start 1, …`."""
        letters = {state.letter: state for state in State}
        path = [letters[letter] for letter in states]
        changes, lease = [Change(0, None, path[0], 0, None)], 0
        for before, after in pairwise(path):
            lease += after is R
            changes.append(Change(0, before, after, lease, None))
        runs = [
            run(number, end)._replace(worker=f"of {job_id}") for number, end in enumerate(ends, 1)
        ]
        retries = min(states.count("F") + states.count("D"), 1)
        values = {"state": path[-1], "attempts": len(runs), "retries": retries, **fields}
        self.histories[job_id] = History(job(job_id, **values), runs, changes)
        self.marks[job_id] = [mark(text) for text in marks.split(", ") if text]
        self.acknowledged.add(job_id)
        self.tallies["default", path[-1]] += 1

    def change(self, job_id: str, **fields: Any) -> None:
        history = self.histories[job_id]
        self.histories[job_id] = history._replace(job=history.job._replace(**fields))

    def evidence(self) -> Evidence:
        return Evidence(
            frozenset(self.acknowledged),
            frozenset(self.cancels),
            self.histories,
            self.tallies,
            self.marks,
            self.alive,
        )


def job(job_id: str, **fields: Any) -> Job:
    values = dict.fromkeys(Job._fields)
    plain = {"id": job_id, "queue": "default", "max_retries": 1, "backoff": Backoff()}
    return Job(**{**values, **plain, **fields})


def run(number: int, end: End) -> Run:
    values = dict.fromkeys(Run._fields)
    times = {"started_at": number * 10, "ended_at": number * 10 + 5}
    return Run(**{**values, **times, "lease": number, "number": number, "end": end})


def mark(text: str) -> Mark:
    sign, lease = text.split()
    return Mark(Sign(sign), int(lease))


@pytest.fixture
def story() -> Story:
    """Jobs that did all that jobs may do."""
    made = Story()
    made.add("done", "PRC", [End.EXITED], "start 1, end 1")
    made.add("rescued", "PRFPRC", [End.WORKER_DIED, End.EXITED], "start 1, alive 1, start 2, end 2")
    made.add("given-back", "PRPRC", [End.INTERRUPTED, End.EXITED], "start 1, start 2, end 2")
    made.add("buried", "PRFPRD", [End.EXITED, End.SIGNALED], "start 1, start 2")
    made.add("unwanted", "PRX", [End.CANCELLED], "start 1")
    made.cancels.add("unwanted")
    made.add("suspect", "PRPRC", [End.SUSPECTED, End.EXITED], "start 1, start 2, end 2")
    return made


def test_a_sound_story_has_no_violation(story: Story) -> None:
    assert violations(story.evidence()) == []


def _lose(story: Story) -> None:
    story.acknowledged.add("gone")


def _break_the_chain(story: Story) -> None:
    del story.histories["rescued"].changes[3]  # failed, then processing


def _tell_a_wrong_count(story: Story) -> None:
    story.tallies["default", C] += 1


def _jump(story: Story) -> None:
    changes = story.histories["done"].changes
    changes.insert(1, Change(0, P, F, 0, None))
    changes.insert(2, Change(0, F, C, 0, None))
    changes.insert(3, Change(0, C, P, 0, "retried by a person"))


def _strand(story: Story) -> None:
    story.add("waiting", "P", [], "", retries=0)


def _decide_twice(story: Story) -> None:
    changes = story.histories["done"].changes
    changes += [Change(0, C, P, 1, "retried by a person"), Change(0, P, R, 1, None), changes[2]]


def _outlive_the_lease(story: Story) -> None:
    story.marks["rescued"].append(Mark(ALIVE, 1))


def _meet(story: Story) -> None:
    story.marks["rescued"].insert(2, Mark(MET, 2))


def _start_without_an_attempt(story: Story) -> None:
    story.marks["unwanted"].append(Mark(START, 7))


def _start_twice(story: Story) -> None:
    story.marks["done"].insert(0, Mark(START, 1))


def _never_start(story: Story) -> None:
    del story.marks["buried"][0]


def _charge_a_shutdown(story: Story) -> None:
    story.change("given-back", retries=1)


def _bury_early(story: Story) -> None:
    story.add("early", "PRD", [End.EXITED], "start 1", retries=0)


def _try_too_often(story: Story) -> None:
    ends = [End.EXITED] * 3
    story.add("eager", "PRFPRFPRC", ends, "start 1, start 2, start 3, end 3")


def _complete_undone(story: Story) -> None:
    del story.marks["done"][1]


def _cancel_unasked(story: Story) -> None:
    story.cancels.clear()


def _join_a_suspect(story: Story) -> None:
    runs = story.histories["done"].runs
    runs[0] = runs[0]._replace(worker="of suspect", started_at=22, ended_at=40)


def _survive(story: Story) -> None:
    story.alive = ("worker 17",)


PLANTED: dict[str, list[Plant]] = {
    "kept": [_lose],
    "one state": [_break_the_chain, _tell_a_wrong_count, _jump],
    "moving": [_strand],
    "fenced": [_decide_twice],
    "one copy": [_outlive_the_lease, _meet],
    "counted": [_start_without_an_attempt, _start_twice, _never_start],
    "charged": [_charge_a_shutdown, _bury_early, _try_too_often],
    "done": [_complete_undone],
    "wished": [_cancel_unasked],
    "alone": [_join_a_suspect],
    "ended": [_survive],
}


@pytest.mark.parametrize(
    ("name", "plant"),
    [(name, plant) for name, plants in PLANTED.items() for plant in plants],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_planted_fault_is_caught_by_its_invariant_alone(
    story: Story, name: str, plant: Plant
) -> None:
    plant(story)
    assert {found.promise for found in violations(story.evidence())} == {name}


def test_every_invariant_has_a_planted_fault() -> None:
    assert list(PLANTED) == [invariant.name for invariant in INVARIANTS]
