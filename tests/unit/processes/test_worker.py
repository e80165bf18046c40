"""A real worker out of a real nursery, with the test in the supervisor's place."""

from __future__ import annotations

import os
import pickle
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from queuectl.domain.fleet import Desired
from queuectl.domain.lifecycle import End
from queuectl.domain.transcript import decode, text
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes.messages import Birth, Born, Gone, Leaving, Orders, Report, Rules
from queuectl.processes.system import identity, launching, ledger, leftovers
from queuectl.processes.system.channel import Channel, Closed
from queuectl.stores.exchange import Assignment, Ended, Lease, Started

DEADLINE = 30.0
UUID = f"test-{os.getpid()}"  # others may run the same test now


class Supervisor:
    """The other end of a worker's channel; remembers all that it was told."""

    def __init__(self, folder: Path, slots: int, rules: Rules) -> None:
        self.home = Home(str(folder))
        self.started: dict[Lease, Started] = {}
        self.ended: dict[Lease, Ended] = {}
        self.news: list[Gone] = []
        self.pid = 0
        self.reported = 0
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        store = f"sqlite://{self.home.database}"
        self._nursery_pid = launching.spawn("nursery", [], str(self.home), store, theirs.fileno())
        theirs.close()
        ours, other = socket.socketpair()
        birth = Birth("worker_1_0", 1, 0, slots, str(self.home), store, UUID, rules)
        socket.send_fds(self._socket, [pickle.dumps(birth)], [other.fileno()])
        other.close()
        self._nursery, self.channel = Channel(self._socket), Channel(ours)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._nursery, selectors.EVENT_READ, self._hear_nursery)
        self._selector.register(self.channel, selectors.EVENT_READ, self._hear)
        self.until(lambda: bool(self.pid))
        self.until(lambda: locks.is_held(self.home.worker_lock("worker_1_0")))

    def _hear_nursery(self) -> None:
        self.news += self._nursery.receive()

    def _hear(self) -> None:
        try:
            for word in self.channel.receive():
                self._take(word)
        except Closed:
            self._selector.unregister(self.channel)
            self.channel.close()

    def _take(self, report: Born | Leaving | Report) -> None:
        if isinstance(report, Leaving):
            return
        if isinstance(report, Born):
            self.pid = report.pid
            return
        self.reported = report.number
        self.started.update((Lease(one.row, one.lease), one) for one in report.started)
        self.ended.update((Lease(one.row, one.lease), one) for one in report.ended)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, (self.started, self.ended, self.news)
            for key, _ in self._selector.select(0.02):
                key.data()

    def run(self, command: str | None = None, row: int = 1, **options: object) -> Lease:
        self.assign(command, row, **options)
        self.until(lambda: (row, 1) in self.ended)
        return Lease(row, 1)

    def assign(self, command: str | None, row: int = 1, **options: object) -> None:
        values: dict[str, object] = {
            "args": None,
            "env": None,
            "cwd": "/",
            "timeout": None,
            **options,
        }
        self.channel.send(
            Orders(
                assignments=(
                    Assignment(row, 1, f"job-{row}", 1, "w", "default", command, **values),
                )
            )  # type: ignore[arg-type]
        )

    def output(self, row: int = 1) -> bytes:
        kept = self.ended[Lease(row, 1)].output
        assert kept is not None
        return text(decode(kept))

    def stop(self, desired: Desired = Desired.STOP) -> None:
        with suppress(Closed):
            self.channel.send(Orders(self.reported, desired=desired))

    def end(self) -> None:
        self.stop(Desired.STOP_NOW)
        deadline = time.monotonic() + DEADLINE
        while not self.news:
            assert time.monotonic() < deadline
            self.stop(Desired.STOP_NOW)  # and with it, what is recorded now
            for key, _ in self._selector.select(0.02):
                key.data()
        self.channel.close()
        self._socket.close()
        self._selector.close()
        os.waitpid(self._nursery_pid, 0)
        deadline = time.monotonic() + DEADLINE
        while locks.is_held(self.home.worker_lock("worker_1_0")):
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(
        slots: int = 1, shutdown_grace: float = 30, kill_grace: float = 5, limit: int = 1 << 23
    ) -> Supervisor:
        made.append(Supervisor(tmp_path, slots, Rules(shutdown_grace, kill_grace, limit)))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_a_command_runs_and_its_output_and_exit_code_come_back(supervise):
    one = supervise()
    lease = one.run("echo out; echo err >&2; exit 3")
    assert one.ended[lease].outcome == (End.EXITED, 3, None, "err")
    assert sorted(one.output().split()) == [b"err", b"out"]
    assert one.started[lease].pid_started > 0


def test_an_error_is_named_where_stderr_says_nothing(supervise):
    one = supervise()
    assert one.ended[one.run("exit 7")].outcome.error == "exit code 7"
    assert one.ended[one.run("kill -9 $$", row=2)].outcome == (End.SIGNALED, None, 9, "signal 9")


def test_args_reach_the_program_exactly_as_given(supervise):
    one = supervise()
    one.run(args=("printf", "%s|", "a b", "$HOME", "", "*", "é"))
    assert one.output() == "a b|$HOME||*|é|".encode()


def test_a_program_that_does_not_exist_ends_as_in_a_shell(supervise):
    one = supervise()
    assert one.ended[one.run(args=("no-such-program",))].outcome[:2] == (End.NOT_STARTED, 127)
    assert one.ended[one.run(args=("/etc/passwd",), row=2)].outcome[:2] == (End.NOT_STARTED, 126)
    gone = one.run("true", row=3, cwd="/no/such/folder")
    assert "/no/such/folder" in (one.ended[gone].outcome.error or "")


def test_the_environment_tells_about_the_job_and_signals_are_as_usual(supervise):
    one = supervise()
    one.run("env; grep -E '^Sig(Blk|Ign)' /proc/self/status", env={"COLOUR": "blue"})
    lines = one.output().decode().splitlines()
    assert {"COLOUR=blue", "QUEUECTL_JOB_ID=job-1", f"QUEUECTL_RUN={UUID}:1:1"} <= set(lines)
    masks = {line[:6]: int(line[8:], 16) for line in lines if line.startswith("Sig")}
    # The C library's own 32 and 33 are ignored after every posix_spawn.
    assert masks["SigBlk"] == 0
    assert masks["SigIgn"] & ~(0b11 << 31) == 0


def test_a_timed_out_command_gets_term_then_kill_with_its_whole_group(supervise):
    one = supervise(kill_grace=0.2)
    lease = one.run("trap '' TERM; sleep 300 & sleep 300", timeout=0.2)
    assert one.ended[lease].outcome.end is End.TIMED_OUT
    assert one.ended[lease].outcome.error == "timed out after 0.2s"
    assert not list(of_run(1))


def of_run(row: int) -> Iterator[int]:
    mark = leftovers.marker(UUID, row, 1)
    return (pid for pid, found in leftovers.marked() if found == mark and identity.started(pid))


def test_what_a_command_leaves_behind_ends_with_it(supervise):
    one = supervise(slots=3, kill_grace=0.3)
    one.assign("exec sleep 200", row=9)
    one.run("sleep 300 & echo done", row=1)
    one.run("setsid -f sleep 300 >/dev/null 2>&1; echo done", row=2)
    one.run("setsid -f sh -c \"trap '' TERM; sleep 300; sleep 300\" >/dev/null 2>&1", row=3)
    assert not [pid for row in (1, 2, 3) for pid in of_run(row)]
    assert len(list(of_run(9))) == 1
    assert one.ended[Lease(1, 1)].outcome == (End.EXITED, 0, None, None)


def test_a_cancelled_command_is_cancelled_unless_it_exits_0_first(supervise):
    one = supervise(slots=2)
    one.assign("sleep 300", row=1)
    one.assign("trap 'exit 0' TERM; sleep 300 & wait", row=2)
    one.until(lambda: len(one.started) == 2 and len(list(of_run(2))) == 2)
    one.channel.send(Orders(cancels=(Lease(1, 1), Lease(2, 1))))
    one.until(lambda: len(one.ended) == 2)
    assert one.ended[Lease(1, 1)].outcome.end is End.CANCELLED
    assert one.ended[Lease(2, 1)].outcome == (End.EXITED, 0, None, None)


def test_assignments_beyond_the_slots_wait_and_go_back_at_a_stop(supervise):
    one = supervise(shutdown_grace=30)
    one.assign("sleep 0.5", row=1)
    one.assign("true", row=2)
    one.until(lambda: (1, 1) in one.started)
    one.stop()
    one.until(lambda: len(one.ended) == 2)
    assert one.ended[Lease(2, 1)].outcome.end is End.RETURNED
    assert one.ended[Lease(1, 1)].outcome == (End.EXITED, 0, None, None)


def test_a_stop_interrupts_what_outlives_the_grace(supervise):
    one = supervise(shutdown_grace=0.1)
    one.assign("trap 'exit 0' TERM; sleep 300 & wait", row=1)
    one.until(lambda: len(list(of_run(1))) == 2)
    one.stop()
    one.until(lambda: bool(one.ended))
    assert one.ended[Lease(1, 1)].outcome.end is End.INTERRUPTED


def test_a_worker_ends_only_when_all_that_it_reported_is_recorded(supervise):
    one = supervise()
    one.run("true")
    one.channel.send(Orders(0, desired=Desired.STOP))
    assert identity.started(one.pid)
    one.channel.send(Orders(one.reported))
    one.until(lambda: len(one.news) == 1)
    assert one.news == [Gone("worker_1_0", 1, 0)]


def test_a_killed_worker_is_noticed_with_its_signal(supervise):
    one = supervise()
    os.kill(one.pid, signal.SIGKILL)
    one.until(lambda: len(one.news) == 1)
    assert one.news == [Gone("worker_1_0", 1, -9)]


def test_a_run_whose_end_is_not_recorded_counts_as_begun_though_its_slot_was_used_again(supervise):
    one = supervise()
    one.run("exit 4")
    one.assign("kill -9 $PPID; sleep 60", row=2)
    one.until(lambda: len(one.news) == 1)
    assert ledger.read(one.home.worker_lock("worker_1_0")) == {(1, 1), (2, 1)}
    leftovers.kill([leftovers.marker(UUID, 2, 1)])


def test_the_ledger_uses_the_place_of_a_recorded_run_again(tmp_path):
    path = tmp_path / "lock"
    with open(path, "w+b") as file:
        entries = ledger.Ledger(file.fileno(), 1)
        for row in range(1, 1001):
            entries.begin(row, 1)
            entries.settle(row, 1)
        size = os.fstat(file.fileno()).st_size
        for row in range(2001, 2021):
            entries.begin(row, 1)
    assert size == 128
    assert {(row, 1) for row in range(2001, 2021)} <= ledger.read(str(path))
