"""Who counts as silent: whose heartbeat was seen not to change, whatever the wall clock says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from queuectl.domain.fleet import Desired, Supervisor
from queuectl.processes.supervision.takeover import Vigil, unblock
from queuectl.processes.system import environment, identity
from queuectl.stores.sqlite import SqliteStore
from tests.support.waiting import until

PATIENCE = 30.0
STORE = "sqlite:///queue.db"
LIVING = (os.getpid(), identity.started(os.getpid()))


def wait(vigil: Vigil, clock: Clock, known: list[Supervisor], seconds: float) -> Supervisor | None:
    """Look again and again for so long; what was found first."""
    for _ in range(10):
        clock.seconds += seconds / 10
        found = vigil.look(known, PATIENCE)
        if found is not None:
            return found
    return None


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _all_work_on_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "serves", lambda pid, store: store == STORE)


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
    return Vigil("host", "boot", STORE, me, clock), clock


def test_a_heartbeat_that_does_not_change_for_the_patience_is_a_silence() -> None:
    vigil, clock = watch()
    one = supervisor("one", 5)
    assert vigil.look([one], PATIENCE) is None
    assert wait(vigil, clock, [one], PATIENCE) is None
    assert wait(vigil, clock, [one], 0.1) == one


def test_who_was_stopped_with_the_others_does_not_hold_their_silence_against_them() -> None:
    vigil, clock = watch()
    one = supervisor("one", 5)
    assert wait(vigil, clock, [one], PATIENCE) is None
    clock.seconds += 100 * PATIENCE
    assert vigil.look([one], PATIENCE) is None
    assert wait(vigil, clock, [one], PATIENCE) is None
    assert wait(vigil, clock, [one], 0.1) == one


def test_one_that_works_on_another_store_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "serves", lambda pid, store: False)
    vigil, clock = watch()
    assert wait(vigil, clock, [supervisor("one", 5)], 5 * PATIENCE) is None


def test_of_those_that_cannot_write_only_one_that_was_stopped_with_the_lock_is_named() -> None:
    vigil, _ = watch()
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        holder = supervisor("holds", 1)._replace(
            pid=process.pid, pid_started=identity.started(process.pid)
        )
        known = [supervisor("waits", 1), holder]
        assert vigil.blocker(known, process.pid) is None
        process.send_signal(signal.SIGSTOP)
        until(lambda: identity.is_stopped(process.pid))
        assert vigil.blocker(known, process.pid) == holder
        assert vigil.blocker(known, None) is None
        assert vigil.blocker(known[:1], process.pid) is None
        process.kill()


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
    assert wait(vigil, clock, both, PATIENCE) is None
    assert wait(vigil, clock, both, 1) == both[1]
    assert vigil.look(both[:1], PATIENCE) is None
    assert wait(vigil, clock, both[:1], PATIENCE + 1) == both[0]


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
    assert wait(vigil, clock, others, 3 * PATIENCE) is None


def test_one_that_has_no_process_is_dead_and_not_silent_so_that_nobody_ends_what_it_left() -> None:
    vigil, clock = watch("me")
    died = gone("died", 3)
    assert vigil.look([died], PATIENCE) is None
    assert wait(vigil, clock, [died], 3 * PATIENCE) is None
    assert vigil.dead([died, supervisor("lives", 3)]) == {"died"}
    assert vigil.dead([died._replace(ended_at=4), died._replace(host="far")]) == set()


def test_after_a_restart_of_the_machine_all_are_dead_but_not_in_another_world_of_pids() -> None:
    clock = Clock()
    vigil = Vigil("host", "id pid:[1]", STORE, "me", clock)
    assert vigil.dead([supervisor("before", 1, boot="other pid:[1]")]) == {"before"}
    assert vigil.dead([gone("elsewhere", 1)._replace(boot="id pid:[2]")]) == set()


def test_one_that_nobody_can_look_at_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptors(pid: int, started: int) -> bool:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(identity, "is_alive", no_descriptors)
    vigil, clock = watch()
    one = supervisor("one", 3)
    assert vigil.dead([one]) == set()
    assert vigil.look([one], PATIENCE) is None
    assert wait(vigil, clock, [one], PATIENCE + 1) == one


@pytest.mark.parametrize("name", ["queuectl: scheduler", "somebody's program"])
def test_a_helper_that_was_stopped_amid_a_write_is_ended_and_what_a_person_stopped_is_not(
    name: str, tmp_path: Path
) -> None:
    hold = (
        "import apsw, sys; it = apsw.Connection(sys.argv[1]); it.execute('BEGIN IMMEDIATE');"
        "print(flush=True); input()"
    )
    path = str(tmp_path / "store.db")
    with (
        SqliteStore(path) as store,
        subprocess.Popen(
            [name, "-c", hold, path],
            executable=sys.executable,
            env={**os.environ, "PYTHONPATH": str(Path(apsw.__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        assert store.blocker() == process.pid
        vigil = Vigil("host", "boot", store.url)
        assert unblock(store, vigil) is None
        process.send_signal(signal.SIGSTOP)
        until(lambda: identity.is_stopped(process.pid))
        is_ours = name.startswith("queuectl")
        assert unblock(store, vigil) == ([] if is_ours else None)
        if is_ours:
            assert process.wait(60) == -signal.SIGKILL
        else:
            assert process.poll() is None
        process.kill()
