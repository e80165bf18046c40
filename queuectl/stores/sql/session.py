"""One transaction, in the words that the shared SQL is written in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from queuectl.domain.lifecycle import State
from queuectl.stores.contract import Store

Row = tuple[Any, ...]
Bindings = Sequence[Any]


class Session(ABC):
    """An open transaction; `now` is its one instant, in microseconds.

    Where others may write meanwhile, `for_update` behind a SELECT keeps the rows found from them,
    and `skip_locked` leaves out those that others have: both are empty where nobody can. `binary`
    is how the dialect calls the order of texts by their bytes.
    """

    for_update = ""
    skip_locked = ""
    binary: str

    def __init__(self, now: int) -> None:
        self.now = now
        self._tallies: dict[tuple[State, str], int] = {}

    @abstractmethod
    def run(self, sql: str, bindings: Bindings = ()) -> Iterator[Row]:
        """Run a statement at once; the rows that it gives."""

    @abstractmethod
    def run_each(self, sql: str, many: Iterable[Bindings]) -> Iterator[Row]:
        """Run a statement for each of `many`; the rows of all.

        Where it gives rows, a run happens only once those of the run before have been taken.
        """

    @abstractmethod
    def change(self, sql: str, bindings: Bindings = ()) -> int:
        """Run a statement that gives no rows; how many it changed."""

    @abstractmethod
    def new_job_rows(self, count: int | None) -> Iterator[int]:
        """Rows for new jobs, in order, as many as are asked for: `count`, if that is known."""

    @abstractmethod
    def last_job_row(self) -> int:
        """The highest row that a job was ever given."""

    def certainly_before(self, age: int) -> int:
        """An instant such that all written before it was written more than `age` ago."""
        return self.now - age

    @abstractmethod
    def skip_job_rows(self, last: int) -> None:
        """Give no new job a row up to `last`."""

    def first(self, sql: str, bindings: Bindings = ()) -> Row | None:
        """The first row that a statement gives."""
        return next(iter(self.run(sql, bindings)), None)

    def tally(self, queue: str, state: State, change: int) -> None:
        """Note that a queue has so many jobs more in a state."""
        key = state, queue
        self._tallies[key] = self._tallies.get(key, 0) + change

    def settle(self) -> None:
        """Write what was noted; happens by itself before the commit."""
        changed = [(s.letter, queue, n) for (s, queue), n in self._tallies.items() if n]
        if changed:
            changed.sort()  # whoever else writes tallies takes them in the same order
            self.run_each(
                """
                INSERT INTO tallies (state, queue, count) VALUES (?, ?, ?)
                ON CONFLICT (state, queue) DO UPDATE SET count = tallies.count + excluded.count
                """,
                changed,
            )
        self._tallies.clear()


class Transactional(Store):
    """A store whose methods each run in one session."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]:
        """A session that sees one state of the store throughout."""

    @abstractmethod
    def _writing(self, deed: str) -> AbstractContextManager[Session]:
        """A session that may write, alone; what it wrote is kept unless something is raised.

        `deed` is one of `failpoints.WRITES`.
        """

    def _deleting(self, deed: str) -> AbstractContextManager[Session]:
        """As `_writing`, to delete what the caller knows that nothing refers to."""
        return self._writing(deed)
