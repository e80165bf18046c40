"""What a supervisor gives a worker: enough to go on with, and no more than it should hold."""

from __future__ import annotations

import pytest

from queuectl.domain.fleet import Desired, Worker, WorkerStatus
from queuectl.domain.lifecycle import End, Outcome
from queuectl.processes.messages import Leaving, Report
from queuectl.processes.supervision import member as members
from queuectl.processes.supervision.member import Member
from queuectl.stores.exchange import Assignment, Ended, Started

AHEAD, FEW = members._AHEAD, members._FEW


class Line:
    """A channel on which a worker says what the test wants."""

    def __init__(self) -> None:
        self.words: list[object] = []
        self.said: list[object] = []

    def receive(self) -> list[object]:
        words, self.words = self.words, []
        return words

    def send(self, word: object) -> None:
        self.said.append(word)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def member(line: Line) -> Member:
    """A worker of two slots."""
    row = Worker(
        *("w", 0, "s", "host", None, None, 2, ()), WorkerStatus.IDLE, Desired.RUN, 0, 0.0, 0, None
    )
    member = Member(row)
    member.connect(line, None)  # type: ignore[arg-type]
    member.pid = 7
    return member


def give(member: Member, count: int) -> list[Assignment]:
    first = len(member.held)
    names = Assignment._fields
    given = [
        Assignment(
            **{**dict.fromkeys(names), "row": row, "lease": 1, "worker": "w", "alone": False}
        )  # type: ignore[arg-type]
        for row in range(first, first + count)
    ]
    member.tell(tuple(given))
    return given


def ends(line: Line, member: Member, rows: range, seconds: float = 0.001) -> None:
    done = tuple(Ended(row, 1, Outcome(End.EXITED, 0), seconds, b"") for row in rows)
    line.words = [Report(1, tuple(Started(row, 1, 9, 9) for row in rows), done)]
    member.listen()


def learn_that_jobs_are_short(line: Line, member: Member) -> None:
    give(member, 60)
    ends(line, member, range(60))
    member.recorded()


def test_it_gets_no_more_than_its_slots_until_jobs_are_known_to_be_short(
    line: Line, member: Member
) -> None:
    demand = member.demand()
    assert demand is not None
    assert demand.free == 2
    learn_that_jobs_are_short(line, member)
    demand = member.demand()
    assert demand is not None
    assert demand.free == 2 + AHEAD


def test_it_is_fed_while_more_than_a_few_wait_behind_its_slots(line: Line, member: Member) -> None:
    assert not member.is_fed
    give(member, 2 + AHEAD)
    assert member.is_fed
    ends(line, member, range(AHEAD - FEW - 1))
    assert member.is_fed
    ends(line, member, range(AHEAD - FEW - 1, AHEAD - FEW))
    assert not member.is_fed


def test_one_that_leaves_or_is_gone_is_not_fed(line: Line, member: Member) -> None:
    give(member, 2 + AHEAD)
    line.words = [Leaving()]
    member.listen()
    assert not member.is_fed
