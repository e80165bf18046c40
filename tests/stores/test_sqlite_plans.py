"""What runs often finds its rows through an index, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from queuectl.domain.lifecycle import State
from queuectl.domain.selection import NEWEST_FIRST, Order, Page, Selection, SortKey
from queuectl.stores.exchange import Demand, Ended
from queuectl.stores.sqlite import SqliteStore
from tests.stores.scene import (
    ALL,
    CANCELLED,
    FAILURE,
    INTERRUPTED,
    RETURNED,
    SUCCESS,
    FakeClock,
    Scene,
    ids,
    spec,
)

LARGE = ("jobs", "later", "runs", "changes", "outputs")
PAGE = Page(50)
Deed = Callable[[Scene], object]


@pytest.fixture
def scene(tmp_path: Path, clock: FakeClock) -> Iterator[Scene]:
    with SqliteStore(str(tmp_path / "store.db"), clock) as store:
        yield Scene(store, clock)


@contextmanager
def statements(store: SqliteStore) -> Iterator[set[str]]:
    """Collects the statements that run inside."""
    seen: set[str] = set()

    def note(cursor: object, sql: str, bindings: object) -> bool:
        seen.add(sql)
        return True

    store._connection.exec_trace = note
    yield seen
    store._connection.exec_trace = None


def plans(scene: Scene, deed: Deed) -> Iterator[tuple[str, str]]:
    """Each statement of a deed with each line of its plan."""
    store = scene.store
    assert isinstance(store, SqliteStore)
    with statements(store) as seen:
        deed(scene)
    for sql in seen - {"BEGIN", "BEGIN IMMEDIATE", "COMMIT"}:
        bindings = (1,) * sql.count("?")
        for *_, line in store._connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings):
            yield " ".join(sql.split()), line


def _turn(scene: Scene) -> None:
    scene.enqueue(*(spec(queue=f"q{n % 3}", delay=5 if n % 4 == 0 else None) for n in range(40)))
    outcomes = [SUCCESS, FAILURE, INTERRUPTED, RETURNED, CANCELLED]
    scene.clock.advance(60)
    for demand in (Demand(scene.worker, (), 10), Demand(scene.worker, ("q1", "q2"), 10)):
        assignments = scene.demand(demand)
        ends = [
            Ended(each.row, each.lease, outcomes[n % 5], 1.0, b"output")
            for n, each in enumerate(assignments)
        ]
        for assignment in assignments:
            scene.start(assignment)
        scene.store.turn("supervisor", (), ends)


def _list(selection: Selection, order: Order = NEWEST_FIRST) -> Deed:
    return lambda scene: list(scene.store.find(selection, order, PAGE))


def _wish(scene: Scene) -> None:
    scene.enqueue(spec("a"), spec("b"))
    scene.store.cancel(ids("a", "b"))
    scene.store.retry(ids("a", "b"))
    scene.store.remove(ids("a", "b"))


HOT: dict[str, Deed] = {
    "turn": _turn,
    "wishes by id": _wish,
    "promote": lambda scene: scene.store.promote(),
    "next due": lambda scene: scene.store.next_due(),
    "oldest pending": lambda scene: scene.store.oldest_pending(),
    "tallies": lambda scene: scene.store.tallies(),
    "holdings": lambda scene: scene.store.holdings(),
    "samples": lambda scene: scene.store.samples(0, 10),
    "prune": lambda scene: scene.store.prune(-(10**18), 5, 10),
    "get": lambda scene: [scene.store.add([spec("x"), spec()]), scene.store.get("x")],
    "history": lambda scene: [scene.store.runs(1), scene.store.changes(1)],
    "output": lambda scene: scene.store.output(1, 1),
    "list of ids": _list(ids("x", "j1")),
    "list of one state": _list(Selection(states=(State.PENDING,))),
    "list of states": _list(Selection(states=(State.DEAD, State.FAILED))),
    "list by state": _list(ALL, Order(SortKey.STATE)),
    "workers": lambda scene: scene.store.workers(),
}


@pytest.mark.parametrize("deed", HOT.values(), ids=HOT)
def test_nothing_hot_scans_or_sorts(scene: Scene, deed: Deed) -> None:
    _turn(scene)
    for sql, line in plans(scene, deed):
        words = line.split()
        assert not (words[0] == "SCAN" and words[1] in LARGE), (line, sql)
        assert "TEMP B-TREE" not in line, (line, sql)


def test_the_newest_jobs_are_listed_along_the_table(scene: Scene) -> None:
    lines = [line for _, line in plans(scene, _list(ALL))]
    assert "SEARCH jobs USING INTEGER PRIMARY KEY (rowid<?)" in lines
    assert not [line for line in lines if "TEMP B-TREE" in line or line.startswith("SCAN")]


def test_claims_go_along_their_index(scene: Scene) -> None:
    lines = [line for _, line in plans(scene, _turn)]
    assert "SEARCH later USING COVERING INDEX jobs_to_claim (queue>?)" in lines
    assert "SEARCH jobs USING INDEX jobs_to_claim (queue=?)" in lines


def test_due_jobs_are_found_along_their_index(scene: Scene) -> None:
    lines = {line for _, line in plans(scene, lambda scene: scene.store.promote())}
    assert "SEARCH jobs USING COVERING INDEX jobs_by_due (state=? AND run_at<?)" in lines
