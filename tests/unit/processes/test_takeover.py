"""Who counts as silent: whose heartbeat was seen not to change, whatever the wall clock says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from queuectl.domain.fleet import Desired, Supervisor
from queuectl.processes.supervision.takeover import Vigil
from queuectl.processes.system import identity

PATIENCE = 30.0
LIVING = (os.getpid(), identity.started(os.getpid()))


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def supervisor(name: str, heartbeat: int, host: str = "host", boot: str = "boot") -> Supervisor:
    return Supervisor(
        name, host, "/home", *LIVING, boot, "1.0", Desired.RUN, 0, heartbeat, None, None
    )


def gone(name: str, heartbeat: int) -> Supervisor:
    """One whose process has ended; another has its pid by now, or none."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        started = identity.started(process.pid)
    return supervisor(name, heartbeat)._replace(pid=process.pid, pid_started=started)


def watch(me: str | None = None) -> tuple[Vigil, Clock]:
    clock = Clock()
    return Vigil("host", "boot", me, clock), clock


def test_a_heartbeat_that_does_not_change_for_the_patience_is_a_silence() -> None:
    vigil, clock = watch()
    one = supervisor("one", 5)
    assert vigil.look([one], PATIENCE) is None
    clock.seconds += PATIENCE
    assert vigil.look([one], PATIENCE) is None
    clock.seconds += 0.1
    assert vigil.look([one], PATIENCE) == one


def test_the_age_of_a_heartbeat_says_nothing() -> None:
    vigil, clock = watch()
    for heartbeat in (-(10**15), 10**17, 0):
        clock.seconds += PATIENCE
        assert vigil.look([supervisor("one", heartbeat)], PATIENCE) is None


def test_each_beat_gives_time_anew() -> None:
    vigil, clock = watch()
    for heartbeat in range(10):
        assert vigil.look([supervisor("one", heartbeat)], PATIENCE) is None
        clock.seconds += PATIENCE


def test_of_two_the_one_that_fell_silent_first_is_named_and_the_other_has_time_anew() -> None:
    vigil, clock = watch()
    both = [supervisor("waits", 8), supervisor("holds", 7)]
    vigil.look(both, PATIENCE)
    clock.seconds += PATIENCE + 1
    assert vigil.look(both, PATIENCE) == both[1]
    assert vigil.look(both[:1], PATIENCE) is None
    clock.seconds += PATIENCE + 1
    assert vigil.look(both[:1], PATIENCE) == both[0]


def test_oneself_those_of_other_hosts_and_boots_and_those_that_ended_are_not_watched() -> None:
    vigil, clock = watch("me")
    ended = supervisor("ended", 1)._replace(ended_at=2)
    others = [
        supervisor("me", 1),
        supervisor("far", 1, host="far"),
        supervisor("before", 1, boot="earlier"),
        ended,
    ]
    assert vigil.look(others, PATIENCE) is None
    clock.seconds += 10 * PATIENCE
    assert vigil.look(others, PATIENCE) is None


def test_one_that_has_no_process_is_dead_and_not_silent_so_that_nobody_ends_what_it_left() -> None:
    vigil, clock = watch("me")
    died = gone("died", 3)
    assert vigil.look([died], PATIENCE) is None
    clock.seconds += 10 * PATIENCE
    assert vigil.look([died], PATIENCE) is None
    assert vigil.dead([died, supervisor("lives", 3)]) == {"died"}
    assert vigil.dead([died._replace(ended_at=4), died._replace(host="far")]) == set()


def test_one_that_nobody_can_look_at_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptors(pid: int, started: int) -> bool:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(identity, "is_alive", no_descriptors)
    vigil, clock = watch()
    one = supervisor("one", 3)
    assert vigil.dead([one]) == set()
    assert vigil.look([one], PATIENCE) is None
    clock.seconds += PATIENCE + 1
    assert vigil.look([one], PATIENCE) == one
