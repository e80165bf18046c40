"""Several processes on one store."""

from __future__ import annotations

import pytest

from queuectl.domain.lifecycle import State
from queuectl.stores.contract import Store
from tests.stores.racing import open_and_add, race, work_off
from tests.stores.scene import ALL, StoreFactory, audit


def test_no_job_is_claimed_twice(store: Store) -> None:
    names = [f"host{number}" for number in range(4)]
    runs = race(work_off, *((store.url, name, 40) for name in names))
    done = [run for each in runs for run in each]
    assert sorted(done) == [[row, 1] for row in range(1, 161)]
    assert {job.state for job in store.find(ALL)} == {State.COMPLETED}
    assert sum(worker.processed for worker in store.workers()) == 160


def test_writers_wait_for_each_other(store: Store) -> None:
    race(open_and_add, *[(store.url, 50)] * 4)
    assert store.count(ALL) == 200
    assert [job.id for job in store.find(ALL)] == [f"j{row}" for row in range(200, 0, -1)]


@pytest.mark.usefixtures("open_again")
def test_processes_that_make_one_store_at_the_same_time_get_the_same(new_url: str) -> None:
    uuids = race(open_and_add, *[(new_url, 3)] * 4)
    assert len(set(uuids)) == 1


def test_readers_see_whole_transactions(store: Store, open_again: StoreFactory) -> None:
    with open_again() as reader:
        for count in range(1, 20):
            store.promote()
            assert reader.count(ALL) == sum(reader.tallies().values())
            open_and_add(store.url, 1)
            assert sum(reader.tallies().values()) == count
            audit(reader)
