"""Finding jobs."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import NoSuchJob
from queuectl.domain.lifecycle import State
from queuectl.domain.selection import (
    EVERYTHING,
    NEWEST_FIRST,
    Order,
    Page,
    Selection,
    SortKey,
)
from queuectl.domain.timing import SECOND
from queuectl.stores.contract import Store
from tests.stores.scene import ALL, SUCCESS, FakeClock, Scene, StoreFactory, ids, spec


def found(
    store: Store, selection: Selection = ALL, order: Order = NEWEST_FIRST, page: Page = EVERYTHING
) -> list[str]:
    jobs = [job.id for job in store.find(selection, order, page)]
    if page == EVERYTHING:
        assert store.count(selection) == len(jobs)
    return jobs


def ascending(key: SortKey) -> Order:
    return Order(key, descending=False)


@pytest.mark.parametrize("job_id", ["j2", "j01", "j", "", "J1", "j٣", "nobody", "j" + "9" * 30])
def test_an_id_that_does_not_exist_is_no_job(store: Store, job_id: str) -> None:
    store.add([spec()])
    with pytest.raises(NoSuchJob):
        store.get(job_id)
    assert found(store, ids(job_id)) == []


def test_the_generated_id_of_a_row_with_a_name_is_no_job(store: Store) -> None:
    store.add([spec("named")])
    with pytest.raises(NoSuchJob):
        store.get("j1")


def test_jobs_are_found_newest_first(store: Store) -> None:
    store.add([spec("a"), spec("b"), spec("c")])
    assert found(store) == ["c", "b", "a"]


def test_ids_are_found_in_order_and_unknown_ones_left_out(store: Store) -> None:
    store.add([spec("a"), spec("b"), spec(), spec("c")])
    selection = ids("c", "nobody", "j3", "a", "c")
    assert found(store, selection) == ["c", "j3", "a"]
    assert found(store, selection, ascending(SortKey.CREATED), Page(1, 1)) == ["j3"]


def test_filters_and_ids_must_all_hold(store: Store) -> None:
    store.add([spec("a", queue="one"), spec("b", queue="two", delay=5), spec("c", queue="two")])
    assert found(store, Selection(queues=("two",))) == ["c", "b"]
    assert found(store, Selection(queues=("one", "two"))) == ["c", "b", "a"]
    assert found(store, Selection(queues=("two",), states=(State.SCHEDULED,))) == ["b"]
    assert found(store, Selection(ids=("a", "b"), queues=("two",))) == ["b"]
    assert found(store, Selection(ids=("a", "b"), states=(State.PENDING,))) == ["a"]
    assert found(store, Selection(queues=("none",))) == []


def test_several_states_are_one_listing(scene: Scene) -> None:
    scene.enqueue(spec("a"), spec("b", delay=5), spec("c"), spec("d", delay=5), spec("e"))
    scene.run(SUCCESS)
    states = (State.SCHEDULED, State.COMPLETED, State.SCHEDULED)
    assert found(scene.store, Selection(states=states)) == ["d", "b", "a"]
    page = Page(limit=1, offset=1)
    assert found(scene.store, Selection(states=states), NEWEST_FIRST, page) == ["b"]


def test_a_job_has_all_the_tags_asked_for_and_to_the_letter(store: Store) -> None:
    store.add(
        [
            spec("a", tags=("red", "blue")),
            spec("b", tags=("red",)),
            spec("c", tags=("Red", "re", "r_d")),
            spec("d"),
        ]
    )
    assert found(store, Selection(tags=("red",))) == ["b", "a"]
    assert found(store, Selection(tags=("red", "blue"))) == ["a"]
    assert found(store, Selection(tags=("r_d",))) == ["c"]
    assert found(store, Selection(tags=("ed",))) == []


def test_a_search_looks_at_id_command_and_words_without_case(store: Store) -> None:
    store.add(
        [
            spec("Backup-1", command="tar"),
            spec("b", command="run BACKUP now"),
            spec("c", command=None, args=("rsync", "-a", "my backup", 'say "hi"')),
            spec("d", command="100% of a_b \\ c"),
            spec(),
        ]
    )
    assert found(store, Selection(search="backup")) == ["c", "b", "Backup-1"]
    assert found(store, Selection(search="-a my")) == ["c"]
    assert found(store, Selection(search='"HI"')) == ["c"]
    assert found(store, Selection(search='["rsync')) == []
    assert found(store, Selection(search="J5")) == ["j5"]
    assert found(store, Selection(search="0% o")) == ["d"]
    assert found(store, Selection(search="a_b \\")) == ["d"]
    assert found(store, Selection(search="axb")) == []
    assert found(store, Selection(search="'; DROP TABLE jobs --")) == []


def test_since_takes_jobs_created_then_or_later(store: Store, clock: FakeClock) -> None:
    store.add([spec("old")])
    clock.advance(10)
    store.add([spec("new")])
    assert found(store, Selection(since=clock.instant)) == ["new"]
    assert found(store, Selection(since=clock.instant - 10 * SECOND)) == ["new", "old"]


def test_listings_are_sorted_as_asked_with_ties_by_age(scene: Scene) -> None:
    scene.enqueue(
        spec("m", queue="b", priority=5),
        spec("k", queue="a", priority=-5),
        spec("l", queue="b", priority=5, delay=5),
        spec("z", queue="c"),
    )
    scene.claim(1, "c")
    store = scene.store
    assert found(store, ALL, ascending(SortKey.ID)) == ["k", "l", "m", "z"]
    assert found(store, ALL, Order(SortKey.ID)) == ["z", "m", "l", "k"]
    assert found(store, ALL, ascending(SortKey.STATE)) == ["m", "k", "z", "l"]
    assert found(store, ALL, Order(SortKey.STATE)) == ["l", "z", "k", "m"]
    assert found(store, ALL, ascending(SortKey.QUEUE)) == ["k", "m", "l", "z"]
    assert found(store, ALL, Order(SortKey.QUEUE)) == ["z", "l", "m", "k"]
    assert found(store, ALL, ascending(SortKey.PRIORITY)) == ["k", "z", "m", "l"]
    assert found(store, ALL, Order(SortKey.PRIORITY)) == ["l", "m", "z", "k"]
    assert found(store, ALL, ascending(SortKey.CREATED)) == ["m", "k", "l", "z"]
    assert found(store, ALL, ascending(SortKey.RUN_AT)) == ["m", "k", "z", "l"]


@pytest.mark.parametrize("key", SortKey)
@pytest.mark.parametrize("descending", [True, False])
def test_ids_are_sorted_as_everything_is(scene: Scene, key: SortKey, descending: bool) -> None:
    scene.enqueue(*(spec(queue=f"q{n % 3}", priority=n % 2) for n in range(11)))
    scene.enqueue(spec("j", delay=9), spec("job", delay=8), spec("i"), spec("Z"))
    scene.run(SUCCESS, 2)
    scene.claim(2)
    order = Order(key, descending)
    everything = found(scene.store, ALL, order)
    assert found(scene.store, ids(*reversed(everything)), order) == everything
    for page in (Page(3), Page(3, 4), Page(None, 12), Page(0), Page(100, 100)):
        end = None if page.limit is None else page.offset + page.limit
        assert found(scene.store, ALL, order, page) == everything[page.offset : end]


def test_generated_ids_are_sorted_by_their_numbers(store: Store) -> None:
    store.add([spec() for _ in range(11)])
    expected = [f"j{number}" for number in range(1, 12)]
    assert found(store, ALL, ascending(SortKey.ID)) == expected
    assert found(store, ids(*expected), ascending(SortKey.ID)) == expected


@pytest.mark.parametrize("order", [NEWEST_FIRST, Order(SortKey.STATE), Order(SortKey.QUEUE)])
def test_no_transaction_stays_open_while_a_consumer_dawdles(
    store: Store, open_again: StoreFactory, order: Order
) -> None:
    store.add(spec() for _ in range(2_500))
    listing = store.find(ALL, order)
    seen = [next(listing).id]
    with open_again() as other:
        other.add([spec("later")])
    store.add([spec("mine")])
    store.remove(ids("j1"))
    seen += [job.id for job in listing]
    assert len(seen) == len(set(seen)) == 2_499


def test_a_job_that_moves_during_a_listing_is_given_once(scene: Scene) -> None:
    scene.enqueue(*(spec() for _ in range(1_500)))
    listing = scene.store.find(Selection(states=(State.PROCESSING, State.PENDING)))
    seen = [next(listing).id]
    scene.claim(1_200)
    seen += [job.id for job in listing]
    assert len(seen) == len(set(seen)) == 1_500
