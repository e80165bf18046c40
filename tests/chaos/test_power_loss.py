"""The power goes at any moment: what was acknowledged is there afterwards, nothing in halves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random, randrange
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from queuectl.domain.lifecycle import State
from queuectl.domain.selection import Selection
from queuectl.domain.timing import SECOND
from queuectl.stores.exchange import Assignment, Demand, Ended, Started
from queuectl.stores.sqlite import SqliteStore
from tests.stores.scene import (
    CANCELLED,
    FAILURE,
    INTERRUPTED,
    RETURNED,
    SUCCESS,
    FakeClock,
    Scene,
    audit,
    spec,
)
from tests.support.installation import Installation
from tests.support.power_loss import Disk
from tests.support.recording import (
    Acknowledged,
    Event,
    FolderSynced,
    Made,
    Recorder,
    Synced,
    recorded,
)
from tests.support.waiting import until

SECONDS = float(os.environ.get("QUEUECTL_CHAOS_SECONDS", "6"))
SEED = int(os.environ.get("QUEUECTL_CHAOS_SEED", randrange(2**32)))
DEEDS, LOSSES = 120, 60  # of one round
COPIES = max(5, min(50, round(SECONDS)))
pytestmark = pytest.mark.timeout(120 + 2 * SECONDS)
OUTCOMES = [SUCCESS, SUCCESS, SUCCESS, FAILURE, FAILURE, INTERRUPTED, RETURNED, CANCELLED]
TABLES = (
    *("jobs", "runs", "changes", "outputs", "tallies", "settings", "supervisors", "workers"),
    "meta",
)
BOUNDARIES = (Synced, FolderSynced, Acknowledged)
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
Truth = dict[str, list[tuple[Any, ...]]]
Losses = Iterator[tuple[int, str | None]]
Forgotten = Callable[[Event], bool]


class Workload:
    """Does to a store what people and processes do, and knows what is true after each deed."""

    def __init__(self, path: Path, random: Random, recorder: Recorder) -> None:
        self.path, self.random, self.recorder = path, random, recorder
        self.clock = FakeClock()
        self.truths: list[Truth] = []
        self.held: list[Assignment] = []
        self.names = 0
        self._open()

    def _open(self) -> None:
        self.stores = [SqliteStore(str(self.path), self.clock) for _ in range(2)]
        for store in self.stores:
            store._connection.wal_autocheckpoint(self.random.choice((5, 20, 100)))

    @property
    def store(self) -> SqliteStore:
        return self.random.choice(self.stores)

    def close(self) -> None:
        for store in self.stores:
            store.close()

    def run(self, deeds: int) -> None:
        """Do so many deeds, in an order of chance."""
        self.worker = Scene(self.stores[0], self.clock).worker
        self._acknowledge()
        choices: list[Callable[[], object]] = [
            *[self.enqueue] * 4,
            *[self.turn] * 8,
            *(self.cancel, self.retry, self.remove, self.prune, self.promote, self.set, self.beat),
            *(self.checkpoint, self.open_again),
        ]
        for _ in range(deeds):
            self.clock.advance(self.random.choice((0, 1, 5)))
            self.random.choice(choices)()
            self._acknowledge()

    def _acknowledge(self) -> None:
        self.recorder.events.append(Acknowledged(len(self.truths)))
        self.truths.append(truth(self.stores[0]))

    def enqueue(self) -> None:
        size = self.random.choice((0, 10, 500, 5000))
        specs = []
        for _ in range(self.random.choice((1, 1, 3, 20))):
            self.names += 1
            name = f"job-{self.names}" if self.random.random() < 0.5 else None
            delay = self.random.choice((None, None, None, 5.0))
            specs.append(spec(name, delay=delay, max_retries=1, command="x" * size or "true"))
        self.store.add(specs)

    def turn(self) -> None:
        self.random.shuffle(self.held)
        count = self.random.randint(0, len(self.held))
        ended, self.held = self.held[:count], self.held[count:]
        ends = [
            Ended(one.row, one.lease, self.random.choice(OUTCOMES), 0.1, self._output())
            for one in ended
        ]
        starts = [Started(one.row, one.lease, 7, 70) for one in self.held[:3]]
        demand = Demand(self.worker, (), self.random.choice((0, 1, 4, 30)))
        turn = self.store.turn("supervisor", starts, ends, [demand], lambda: 0.0)
        self.held += turn.assignments

    def _output(self) -> bytes:
        return self.random.randbytes(self.random.choice((0, 0, 100, 9000)))

    def cancel(self) -> None:
        self.store.cancel(Selection(states=(State.SCHEDULED,)))

    def retry(self) -> None:
        self.store.retry(Selection(states=(self.random.choice((State.DEAD, State.COMPLETED)),)))

    def remove(self) -> None:
        self.store.remove(Selection(states=(State.CANCELLED,)))

    def prune(self) -> None:
        self.store.prune(30 * SECOND, self.random.choice((None, 20)), 10)

    def promote(self) -> None:
        self.store.promote()

    def set(self) -> None:
        self.store.store_setting("poll", self.random.choice((None, "1", "2")))

    def beat(self) -> None:
        self.store.beat("supervisor", self.random.choice((None, "the disk is full")))

    def checkpoint(self) -> None:
        modes = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")
        self.store._connection.pragma("wal_checkpoint", self.random.choice(modes))

    def open_again(self) -> None:
        self.close()
        self._open()


def truth(store: SqliteStore) -> Truth:
    """All that a store holds."""
    run = store._connection.execute
    return {table: list(run(f"SELECT * FROM {table}")) for table in TABLES}


class Record:
    """What a workload did to its files, and what was true when."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        with TemporaryDirectory(dir=MEMORY) as folder, recorded() as recorder:
            workload = Workload(Path(folder) / "queue.db", Random(seed), recorder)
            workload.run(DEEDS)
            workload.close()
        self.events, self.truths, self.clock = recorder.events, workload.truths, workload.clock

    def losses(
        self, count: int, *, birth: bool = False, forgotten: Forgotten = lambda event: False
    ) -> Losses:
        """What is wrong after each of so many losses of power, at points of chance.

        With `birth` before anything was acknowledged. A disk that has `forgotten` a sync may still
        be writing what it said was written.
        """
        random, disk, done = Random(self.seed), Disk(), 0
        for point in self._points(count, random, birth):
            disk.follow(event for event in self.events[done:point] if not forgotten(event))
            done = point
            with TemporaryDirectory(dir=MEMORY) as folder:
                disk.lose_power(Path(folder), random)
                yield point, self._wrong(Path(folder) / "queue.db", disk.acknowledged)

    def _points(self, count: int, random: Random, birth: bool) -> list[int]:
        if birth:
            return sorted(random.choices(range(self.events.index(Acknowledged(0))), k=count))
        boundaries = [
            number + after
            for number, event in enumerate(self.events)
            if isinstance(event, BOUNDARIES)
            for after in (0, 1)
        ]
        anywhere = random.choices(range(len(self.events) + 1), k=count - count // 2)
        return sorted([*random.choices(boundaries, k=count // 2), *anywhere])

    def _wrong(self, path: Path, acknowledged: int | None) -> str | None:
        """What is wrong with a store that was found after a loss of power."""
        try:
            with SqliteStore(str(path), self.clock) as store:
                found = truth(store)
                audit_file(store)
                if acknowledged is not None:
                    # What was under way may have been done or not, but not in part.
                    assert found in self.truths[acknowledged : acknowledged + 2], _difference(
                        self.truths[acknowledged], found
                    )
                assert store.add([spec("afterwards")]).jobs == [("afterwards", State.PENDING)]
                audit(store)
        except Exception as error:  # noqa: BLE001 (a damaged file raises anything)
            return f"{type(error).__name__}: {error}"
        return None


def audit_file(store: SqliteStore) -> None:
    """The file is whole, and what it says about its jobs agrees with itself."""
    assert store._connection.pragma("integrity_check") == "ok"
    assert list(store._connection.execute("PRAGMA foreign_key_check")) == []
    audit(store)


def _difference(expected: Truth, found: Truth) -> str:
    lost = {row[0] for row in expected["jobs"]} - {row[0] for row in found["jobs"]}
    tables = [table for table in TABLES if expected[table] != found[table]]
    return f"acknowledged jobs lost: {sorted(lost)}; other tables than acknowledged: {tables}"


def test_after_a_loss_of_power_the_store_has_all_that_was_acknowledged() -> None:
    deadline, seed = time.monotonic() + SECONDS, SEED
    while True:
        for point, wrong in Record(seed).losses(LOSSES):
            assert wrong is None, f"QUEUECTL_CHAOS_SEED={seed}, at point {point}: {wrong}"
        seed += 1
        if time.monotonic() >= deadline:
            return


def test_a_store_that_is_being_made_when_the_power_goes_can_be_opened() -> None:
    for point, wrong in Record(SEED).losses(LOSSES, birth=True):
        assert wrong is None, f"QUEUECTL_CHAOS_SEED={SEED}, at point {point}: {wrong}"


@pytest.mark.parametrize("files", [("-wal",), ("",), ("", "-wal", "-journal")], ids=str)
def test_a_disk_that_forgets_its_syncs_is_found_out(files: Sequence[str]) -> None:
    record = Record(SEED)
    numbers = {
        event.file
        for event in record.events
        if isinstance(event, Made) and event.name.removeprefix("queue.db") in files
    }
    found = [
        wrong
        for _, wrong in record.losses(
            LOSSES, forgotten=lambda event: isinstance(event, Synced) and event.file in numbers
        )
        if wrong is not None
    ]
    assert found, f"QUEUECTL_CHAOS_SEED={SEED}"


ENQUEUE_FOREVER = """
import sys
from queuectl import JobQueue
with JobQueue(sys.argv[1]) as queue:
    while True:
        print(queue.enqueue("true").id, flush=True)
"""


class Enqueuer:
    """A process that enqueues one job after the other, and says so; `told` are their ids."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ENQUEUE_FOREVER, str(home)], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.pid, self._output = self._process.pid, self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        self._text = b""

    def told(self) -> list[str]:
        self._text += self._output.read() or b""
        return self._text.decode().split("\n")[:-1]

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()


@contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """Nothing of these processes happens inside."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            until(partial(_is_stopped, pid), f"{pid} stopped")
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_copy_of_the_files_between_two_writes_has_every_acknowledged_job(tmp_path: Path) -> None:
    random = Random(SEED)
    place = Installation(tmp_path / "home")
    place.start(2)
    until(lambda: place.processes("scheduler"))
    enqueuer = Enqueuer(place.path)
    try:
        for number in range(COPIES):
            copied = tmp_path / str(number)
            copied.mkdir()
            seen = len(enqueuer.told())
            until(lambda seen=seen: len(enqueuer.told()) >= seen + random.randint(1, 60))
            ended = {job.id for job in place.queue.list(state="completed")}
            with stopped([enqueuer.pid, place.supervisor, *place.processes("scheduler")]):
                told = enqueuer.told()
                for name in ("queue.db", "queue.db-wal"):
                    shutil.copy(place.path / name, copied / name)
            with SqliteStore(str(copied / "queue.db")) as store:
                audit_file(store)
                found = {job.id: job.state for job in store.find(Selection())}
                assert set(told) <= found.keys(), f"QUEUECTL_CHAOS_SEED={SEED}"
                assert {found[job_id] for job_id in ended} <= {State.COMPLETED}
        assert ended
    finally:
        enqueuer.end()
        place.close()
