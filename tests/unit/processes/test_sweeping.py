"""What killed processes leave in home and store is swept away, and nothing else is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuectl import JobQueue
from queuectl.domain.fleet import WorkerStatus
from queuectl.domain.timing import SECOND
from queuectl.home import locks
from queuectl.home.folder import Home
from queuectl.processes import sweeping
from queuectl.processes.sweeping import Sweeper
from queuectl.stores.contract import Store
from tests.stores.scene import SUCCESS, FakeClock, Scene, spec, supervisor


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JobQueue]:
    with JobQueue(str(tmp_path / "home")) as queue:
        yield queue


@pytest.fixture
def home(queue: JobQueue) -> Home:
    return queue.home


@pytest.fixture
def store(queue: JobQueue) -> Store:
    return queue.store


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store, FakeClock())


def write(home: Home, row: int, lease: int, suffix: str = "") -> Path:
    path = Path(home.output(row, lease) + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("output")
    return path


def touch_lock(home: Home, worker_id: str) -> Path:
    path = Path(home.worker_lock(worker_id))
    home.make_locks()
    path.touch()
    return path


def test_files_of_runs_that_are_not_in_the_store_go(scene: Scene, home: Home) -> None:
    scene.enqueue(*(spec() for _ in range(3)))
    scene.run(SUCCESS)
    (running,) = scene.claim()
    kept = [write(home, 1, 1), write(home, running.row, running.lease, ".o3")]
    gone = [write(home, 1, 2), write(home, 3, 1), write(home, 9, 1), write(home, 9, 1, ".e12")]
    Sweeper(scene.store, home).sweep()
    assert [path.exists() for path in kept] == [True, True]
    assert not any(path.exists() for path in gone)


def test_what_is_no_transcript_is_left_alone(store: Store, home: Home) -> None:
    notes = Path(write(home, 1, 1).parent) / "notes.txt"
    notes.touch()
    misplaced = Path(home.outputs) / "0" / "5000.1"
    misplaced.touch()
    Sweeper(store, home).sweep()
    assert sorted(os.listdir(notes.parent)) == ["5000.1", "notes.txt"]


def test_empty_folders_of_jobs_that_are_gone_go_but_the_last(store: Store, home: Home) -> None:
    for row in (1, 2000, 5000):
        write(home, row, 1)
    Sweeper(store, home).sweep()
    assert os.listdir(home.outputs) == ["5"]


def test_the_folder_of_a_job_that_is_there_stays(scene: Scene, home: Home) -> None:
    scene.enqueue(spec())
    write(home, 1, 7)
    write(home, 5000, 1)
    Sweeper(scene.store, home).sweep()
    assert sorted(os.listdir(home.outputs)) == ["0", "5"]


def test_many_folders_are_swept_in_turns_until_all_are(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "_AT_ONCE", 0.0)
    paths = [write(home, row * 1000, 1) for row in range(12)]
    sweeper = Sweeper(store, home)
    for round in range(1, 13):
        sweeper.sweep()
        assert sum(path.exists() for path in paths) == 12 - round


def test_lock_files_of_workers_that_are_gone_go(scene: Scene, home: Home) -> None:
    free, unknown = touch_lock(home, scene.worker), touch_lock(home, "worker_1_0")
    (other,) = scene.hire(1)
    scene.store.set_worker(other, WorkerStatus.DIED)
    held = touch_lock(home, other)
    descriptor = locks.acquire(str(held))
    assert descriptor is not None
    Sweeper(scene.store, home).sweep()
    assert (free.exists(), unknown.exists(), held.exists()) == (True, False, True)
    assert not sweeping.remove_lock(home, other)
    os.close(descriptor)
    Sweeper(scene.store, home).sweep()
    assert not held.exists()


def test_a_lock_file_stays_while_runs_of_its_dead_worker_are_unsettled(
    scene: Scene, home: Home
) -> None:
    scene.enqueue(spec())
    (running,) = scene.claim()
    scene.store.set_worker(scene.worker, WorkerStatus.DIED)
    lock = touch_lock(home, scene.worker)
    Sweeper(scene.store, home).sweep()
    assert lock.exists()
    scene.end(running, SUCCESS)
    Sweeper(scene.store, home).sweep()
    assert not lock.exists()


def test_rows_of_processes_that_ended_long_ago_go(
    scene: Scene, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = scene.store
    store.set_worker(scene.worker, WorkerStatus.STOPPED)
    store.leave("supervisor")
    store.enter(supervisor("next"))
    Sweeper(store, home).sweep()
    assert store.worker(scene.worker)
    monkeypatch.setattr(sweeping, "long_ago", lambda store: store.now() + SECOND)
    store.leave("next")
    sweeper = Sweeper(store, home)
    sweeper.sweep()
    assert [one.id for one in store.supervisors()] == ["next"]
    assert store.old_processes(store.now() + SECOND) == []


def test_a_store_that_cannot_be_read_is_left_to_the_next_sweep(store: Store, home: Home) -> None:
    write(home, 1, 1)
    store.close()
    Sweeper(store, home).sweep()
    assert os.listdir(home.outputs) == ["0"]
