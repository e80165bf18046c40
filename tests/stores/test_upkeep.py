"""Examination, mending and copies of a store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from queuectl.domain.errors import StoreError
from queuectl.domain.fleet import WorkerStatus
from queuectl.domain.lifecycle import End, Outcome, State
from queuectl.domain.timing import SECOND
from queuectl.stores.contract import Store
from queuectl.stores.exchange import Demand, Ended, Lease
from queuectl.stores.postgres import PostgresStore
from queuectl.stores.sql.session import Transactional
from queuectl.stores.sqlite import SqliteStore, copying
from queuectl.stores.upkeep import Part
from tests.stores.scene import (
    ALL,
    FAILURE,
    INTERRUPTED,
    RETURNED,
    SUCCESS,
    FakeClock,
    Scene,
    StoreFactory,
    audit,
    on_sqlite,
    spec,
    supervisor,
)

LOST = Outcome(End.HOST_DIED, error="lost")


def break_with(store: Store, *statements: str) -> None:
    """Write what no method of the store would."""
    assert isinstance(store, Transactional)
    with store._deleting("recount") as session:
        if isinstance(store, PostgresStore):
            session.run("SET LOCAL session_replication_role = replica")  # no foreign keys
        for statement in statements:
            session.run(statement)


@pytest.fixture
def damaged(open_again: StoreFactory, clock: FakeClock) -> Store:
    """A store of its own, since the audit at the end of `store` would not let it pass."""
    store = open_again()
    scene = Scene(store, clock)
    for state in (State.PENDING, State.PROCESSING, State.COMPLETED, State.FAILED):
        scene.job_in(state, str(state))
    assert store.examine() == []
    return store


def parts(store: Store) -> set[Part]:
    return {flaw.part for flaw in store.examine()}


def test_a_store_in_which_everything_has_happened_has_no_flaw(scene: Scene) -> None:
    for state in (state for state in State if state is not State.BLOCKED):
        scene.job_in(state, f"job-{state}")
    scene.enqueue(*(spec() for _ in range(5)))
    for outcome in (SUCCESS, FAILURE, INTERRUPTED, RETURNED):
        scene.run(outcome)
    (assignment,) = scene.claim()
    scene.end(assignment, SUCCESS, output=b"output")
    scene.clock.advance(20)
    scene.store.promote()
    assert scene.store.examine() == []


WRONG: list[tuple[Part, str]] = [
    (Part.TALLIES, "UPDATE tallies SET count = count + 1 WHERE queue = 'pending'"),
    (Part.TALLIES, "DELETE FROM tallies WHERE queue = 'completed'"),
    (Part.TALLIES, "INSERT INTO tallies (state, queue, count) VALUES ('P', 'ghost', 2)"),
    (Part.RUNS, "UPDATE jobs SET lease = lease + 1 WHERE state = 'R'"),
    (Part.RUNS, "DELETE FROM runs WHERE ended_at IS NULL"),
    (Part.RUNS, "UPDATE runs SET ended_at = NULL WHERE ended_at IS NOT NULL"),
    (Part.HISTORY, "UPDATE runs SET after = 'D' WHERE after = 'C'"),
    (Part.HISTORY, "UPDATE jobs SET state = 'C' WHERE state = 'P'"),
    (Part.HISTORY, "UPDATE jobs SET attempts = 7 WHERE state = 'C'"),
    (Part.HISTORY, "UPDATE runs SET output = 'store' WHERE after = 'C'"),
    (Part.REFERENCES, "DELETE FROM jobs WHERE state = 'C'"),
    (Part.REFERENCES, "INSERT INTO changes VALUES (99, 1, 1, 'P', 'X', 0, NULL)"),
    (Part.REFERENCES, "INSERT INTO outputs (job, lease, body) VALUES (2, 44, '')"),
    (Part.REFERENCES, "DELETE FROM workers"),
    (Part.REFERENCES, "DELETE FROM supervisors"),
]


@pytest.mark.parametrize(("part", "statement"), WRONG, ids=[sql for _, sql in WRONG])
def test_what_contradicts_itself_is_found(damaged: Store, part: Part, statement: str) -> None:
    if "outputs" in statement and isinstance(damaged, SqliteStore):
        statement = statement.replace("''", "x''")
    break_with(damaged, statement)
    assert part in parts(damaged)
    damaged.close()


def test_a_flaw_names_the_first_jobs_and_counts_the_rest(damaged: Store) -> None:
    damaged.add([spec(f"n{number}") for number in range(9)])
    break_with(damaged, "UPDATE jobs SET attempts = 1 WHERE queue = 'default'")
    (flaw,) = damaged.examine()
    assert flaw.text.endswith("n0, n1, n2, n3, n4 and 4 more")
    damaged.close()


def test_tallies_are_put_right_by_counting(damaged: Store) -> None:
    break_with(damaged, *(sql for part, sql in WRONG if part is Part.TALLIES))
    assert damaged.recount() == 3
    assert (damaged.recount(), damaged.examine()) == (0, [])
    audit(damaged)
    damaged.close()


def test_the_latest_instant_is_that_of_whatever_happened_last(scene: Scene) -> None:
    begin = scene.clock.instant
    scene.enqueue(spec())
    assert scene.store.latest() == begin
    scene.clock.advance(5)
    scene.store.beat("supervisor", None)
    assert scene.store.latest() == begin + 5 * SECOND
    scene.clock.advance(5)
    scene.run(SUCCESS)
    assert scene.store.latest() == begin + 10 * SECOND


def test_an_empty_store_knows_no_latest_instant(store: Store) -> None:
    assert store.latest() is None


def test_known_runs_are_those_of_the_rows_asked_for(scene: Scene) -> None:
    scene.enqueue(*(spec() for _ in range(4)))
    scene.run(FAILURE, 3)
    scene.clock.advance(60)
    scene.store.promote()
    scene.run(FAILURE)
    assert scene.store.known_runs(1, 2) == {Lease(1, 1), Lease(1, 2), Lease(2, 1)}
    assert scene.store.known_runs(3, 9) == {Lease(3, 1), Lease(4, 0)}
    assert scene.store.known_runs(5, 9) == set()


# Processes that ended long ago.


def test_processes_that_nothing_speaks_of_are_forgotten(scene: Scene) -> None:
    store, clock = scene.store, scene.clock
    idle = scene.hire(2)
    scene.enqueue(spec())
    scene.run(SUCCESS)
    store.enter(supervisor("second"))
    for worker in store.workers():
        store.set_worker(worker.id, WorkerStatus.DIED)
    store.leave("second")
    clock.advance(100)
    store.enter(supervisor("third"))
    before = clock.instant - 50 * SECOND
    assert store.old_processes(before) == sorted(idle)
    assert store.old_processes(clock.instant - 200 * SECOND) == []
    store.forget_processes(before, idle)
    assert store.old_processes(before) == []
    assert store.worker(scene.worker)
    assert [one.id for one in store.supervisors()] == ["second", "third"]
    assert store.examine() == []


def test_the_supervisor_that_ended_last_is_kept(store: Store, clock: FakeClock) -> None:
    for name in ("first", "last"):
        store.enter(supervisor(name))
        clock.advance(1)
        store.leave(name)
    clock.advance(100)
    store.forget_processes(clock.instant, [])
    assert [one.id for one in store.supervisors()] == ["last"]


def test_a_worker_that_lives_or_has_a_run_is_not_forgotten(scene: Scene) -> None:
    scene.enqueue(spec())
    scene.claim()
    scene.store.leave("supervisor")
    scene.clock.advance(100)
    before = scene.clock.instant
    assert scene.store.old_processes(before) == []
    scene.store.set_worker(scene.worker, WorkerStatus.DIED)
    assert scene.store.old_processes(before) == []
    scene.store.forget_processes(before, [scene.worker])  # as if the claim had come in between
    assert scene.store.worker(scene.worker)


def test_references_are_guarded_again_after_a_deletion(scene: Scene) -> None:
    scene.store.forget_processes(scene.clock.instant, [])
    scene.enqueue(spec())
    with pytest.raises(StoreError):
        scene.demand(Demand("nobody", (), 1))
    scene.run(SUCCESS)
    scene.store.prune(None, 0, 10)
    assert scene.store.examine() == []


# Copies.


Loader = Callable[[Path], Store]


@pytest.fixture
def copied(folder: Path, clock: FakeClock) -> Loader:
    return lambda path: SqliteStore(str(path), clock)


@on_sqlite
def test_a_copy_has_everything_and_stands_alone(scene: Scene, folder: Path, copied: Loader) -> None:
    for state in (state for state in State if state is not State.BLOCKED):
        scene.job_in(state, f"job-{state}")
    scene.store.store_setting("max_retries", "7")
    target = folder / "copies" / "copy.db"
    target.parent.mkdir()
    scene.store.copy(str(target))
    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]
    with copied(target) as copy:
        assert list(copy.find(ALL)) == list(scene.store.find(ALL))
        assert copy.tallies() == scene.store.tallies()
        assert copy.stored_settings() == {"max_retries": "7"}
        assert copy.uuid == scene.store.uuid
        assert copy.examine() == []


@on_sqlite
def test_a_copy_is_of_the_moment_at_which_it_began(
    scene: Scene, folder: Path, copied: Loader, open_again: StoreFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    scene.enqueue(*(spec(command="x" * 1000) for _ in range(200)))
    monkeypatch.setattr(copying, "_PAGES", 1)
    take, added = copying._copy_pages, []

    def amid_writes(target, source):  # type: ignore[no-untyped-def]
        with open_again() as other:
            added.extend(other.add([spec()]).jobs)
            take(target, source)

    monkeypatch.setattr(copying, "_copy_pages", amid_writes)
    target = folder / "copy.db"
    scene.store.copy(str(target))
    assert len(added) == 1
    with copied(target) as copy:
        assert copy.count(ALL) == 200
    assert scene.store.count(ALL) == 201


@on_sqlite
def test_loading_replaces_everything_for_all_connections(
    scene: Scene, folder: Path, open_again: StoreFactory
) -> None:
    scene.enqueue(spec("kept"))
    target = folder / "copy.db"
    scene.store.copy(str(target))
    scene.enqueue(spec("late"))
    with open_again() as other:
        assert other.count(ALL) == 2
        scene.store.load(str(target))
        assert [job.id for job in other.find(ALL)] == ["kept"]
        other.add([spec("after")])
    assert scene.store.count(ALL) == 2


def test_a_renewed_store_has_no_open_run_no_process_and_another_uuid(scene: Scene) -> None:
    scene.enqueue(spec("running"), spec("last", max_retries=0))
    first, second = scene.claim(2)
    before = scene.store.uuid
    ends = [Ended(one.row, one.lease, LOST, None, b"") for one in (first, second)]
    scene.store.renew(ends, 41)
    store = scene.store
    assert store.uuid != before
    assert (store.holdings(), store.workers()) == ([], [])
    assert [one.ended_at is not None for one in store.supervisors()] == [True]
    assert (scene.state("running"), scene.state("last")) == (State.FAILED, State.DEAD)
    assert store.get("running").error == "lost"
    assert scene.enqueue(spec()) == ["j42"]
    assert store.last_row() == 42
    assert store.examine() == []


def test_a_renewed_store_never_goes_back_with_its_rows(scene: Scene) -> None:
    scene.enqueue(*(spec() for _ in range(5)))
    scene.store.renew([], 2)
    assert scene.enqueue(spec()) == ["j6"]


def test_a_new_store_gave_out_no_row(store: Store) -> None:
    assert store.last_row() == 0
    store.renew([], 0)
    assert store.add([spec()]).jobs == [("j1", State.PENDING)]


@on_sqlite
def test_a_copy_is_readable_without_queuectl(scene: Scene, folder: Path) -> None:
    scene.enqueue(spec("job"))
    target = folder / "copy.db"
    scene.store.copy(str(target))
    with sqlite3.connect(f"file:{target}?mode=ro", uri=True) as plain:
        assert plain.execute("SELECT name FROM jobs").fetchall() == [("job",)]
    plain.close()
