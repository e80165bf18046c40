"""An empty selection means every job, newest first, all of them."""

from queuectl.domain.selection import EVERYTHING, NEWEST_FIRST, Order, Page, Selection, SortKey


def test_an_empty_selection_filters_nothing() -> None:
    assert not any(Selection())


def test_a_listing_is_newest_first_and_whole_unless_asked_otherwise() -> None:
    assert Order(SortKey.CREATED, descending=True) == NEWEST_FIRST
    assert Page(limit=None, offset=0) == EVERYTHING


def test_the_sort_keys_are_those_of_the_design() -> None:
    assert list(SortKey) == ["id", "state", "queue", "priority", "created", "run_at"]
