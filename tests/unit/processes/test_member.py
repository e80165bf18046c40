"""What a supervisor gives a worker: enough to go on with, and no more than it should hold."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from queuectl.domain.fleet import Desired, Worker, WorkerStatus
from queuectl.domain.lifecycle import End, Outcome
from queuectl.processes.messages import Leaving, Report
from queuectl.processes.supervision import member as members
from queuectl.processes.supervision.member import Member
from queuectl.processes.system.channel import Channel
from queuectl.stores.exchange import Assignment, Ended, Lease, Started

AHEAD, FEW = members._AHEAD, members._FEW
ROW = Worker(
    *("w", 0, "s", "host", None, None, 2, ()), WorkerStatus.IDLE, Desired.RUN, 0, 0.0, 0, None
)


class Pair:
    """A worker of two slots as its supervisor sees it, and the worker's end of the channel."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.member, self.worker = Member(ROW), Channel(theirs)
        self.member.connect(Channel(ours), None)
        self.member.pid = 7
        self._given = self._ended = 0

    def give(self, count: int) -> None:
        rows = range(self._given, self._given + count)
        self.member.tell(tuple(map(assignment, rows)))
        self._given += count

    def end(self, count: int) -> None:
        """Have the worker report the ends of so many short runs."""
        rows = range(self._ended, self._ended + count)
        started = tuple(Started(row, 1, 9, 9) for row in rows)
        ended = tuple(Ended(row, 1, Outcome(End.EXITED, 0), 0.001, b"") for row in rows)
        self.worker.send(Report(1, started, ended))
        self.member.listen()
        self._ended += count


def assignment(row: int) -> Assignment:
    return Assignment(row, 1, f"j{row}", 1, "w", "default", "true", None, None, "/", None)


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Pair(ours, theirs)


def free(member: Member) -> int:
    demand = member.demand()
    return 0 if demand is None else demand.free


def learn_that_jobs_are_short(pair: Pair) -> None:
    pair.give(60)
    pair.end(60)
    pair.member.recorded()


def test_it_gets_no_more_than_its_slots_until_jobs_are_known_to_be_short(pair: Pair) -> None:
    assert free(pair.member) == 2
    learn_that_jobs_are_short(pair)
    assert free(pair.member) == 2 + AHEAD


def test_it_is_fed_while_more_than_a_few_wait_behind_its_slots(pair: Pair) -> None:
    assert not pair.member.is_fed
    pair.give(2 + AHEAD)
    assert pair.member.is_fed
    pair.end(AHEAD - FEW - 1)
    assert pair.member.is_fed
    pair.end(1)
    assert not pair.member.is_fed


def test_the_shorter_jobs_are_the_sooner_it_is_to_be_given_more(pair: Pair) -> None:
    pair.give(2 + AHEAD)
    before = pair.member.spare
    learn_that_jobs_are_short(pair)
    pair.give(2 + AHEAD)
    assert 0 < pair.member.spare < before


def test_what_it_ended_is_held_until_it_is_recorded(pair: Pair) -> None:
    pair.give(2)
    pair.end(1)
    assert set(pair.member.held) == {Lease(0, 1), Lease(1, 1)}
    pair.member.recorded()
    assert set(pair.member.held) == {Lease(1, 1)}


def test_one_that_leaves_is_not_fed(pair: Pair) -> None:
    pair.give(2 + AHEAD)
    pair.worker.send(Leaving())
    pair.member.listen()
    assert not pair.member.is_fed
