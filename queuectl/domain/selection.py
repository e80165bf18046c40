"""Which jobs a command means, and in what order and how many of them it wants."""

from enum import StrEnum
from typing import NamedTuple

from queuectl.domain.lifecycle import State


class Selection(NamedTuple):
    """Jobs by id, or by filters that must all hold; empty means every job.

    `since` is an instant: jobs created then or later. `search` is a part of the id or of the
    command, compared without case.
    """

    ids: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    queues: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    search: str | None = None
    since: int | None = None


class SortKey(StrEnum):
    """What a listing can be sorted by."""

    ID = "id"
    STATE = "state"
    QUEUE = "queue"
    PRIORITY = "priority"
    CREATED = "created"
    RUN_AT = "run_at"


class Order(NamedTuple):
    """The order of a listing; the default is the newest job first."""

    key: SortKey = SortKey.CREATED
    descending: bool = True


class Page(NamedTuple):
    """The part of a listing that is wanted; no `limit` means all."""

    limit: int | None = None
    offset: int = 0


NEWEST_FIRST = Order()
EVERYTHING = Page()
