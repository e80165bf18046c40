"""Finding jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import chain, islice
from typing import Any

from queuectl.domain.errors import NoSuchJob
from queuectl.domain.job import Job
from queuectl.domain.lifecycle import State
from queuectl.domain.selection import EVERYTHING, NEWEST_FIRST, Order, Page, Selection, SortKey
from queuectl.stores.sql.filters import Condition, meeting
from queuectl.stores.sql.records import JOB_COLUMNS, job_from, row_of
from queuectl.stores.sql.session import Row, Session, Transactional

PORTION = 1_000
_LARGEST = 2**63 - 1

# Generated ids stand together under 'j', in the order of their numbers.
_SQL_KEYS = {
    SortKey.ID: "coalesce(name, 'j')",
    SortKey.QUEUE: "queue",
    SortKey.PRIORITY: "priority",
    SortKey.RUN_AT: "run_at",
}
_KEYS: dict[SortKey, Callable[[Job], Any]] = {
    SortKey.ID: lambda job: "j" if row_of(job.id) else job.id,
    SortKey.STATE: lambda job: list(State).index(job.state),
    SortKey.QUEUE: lambda job: job.queue,
    SortKey.PRIORITY: lambda job: job.priority,
    SortKey.CREATED: lambda job: job.row,
    SortKey.RUN_AT: lambda job: job.run_at,
}


def locate(
    session: Session, job_ids: Iterable[str], columns: str
) -> Iterator[tuple[str, Row | None]]:
    """Each id, once, with these columns of its job, or None where there is no such job."""
    named = f"SELECT {columns} FROM jobs WHERE name = ?"
    generated = f"SELECT {columns} FROM jobs WHERE row = ? AND name IS NULL"
    for job_id in dict.fromkeys(job_ids):
        row = row_of(job_id)
        if row is None:
            yield job_id, session.first(named, (job_id,))
        else:
            yield job_id, session.first(generated, (row,))


class Listing(Transactional):
    """Reads jobs, many of them in portions, so that a slow consumer holds no transaction open."""

    def get(self, job_id: str) -> Job:
        with self._reading() as session:
            ((_, record),) = locate(session, [job_id], JOB_COLUMNS)
        if record is None:
            raise NoSuchJob(job_id)
        return job_from(record)

    def find(
        self, selection: Selection, order: Order = NEWEST_FIRST, page: Page = EVERYTHING
    ) -> Iterator[Job]:
        if selection.ids:
            jobs = sorted(
                self._named(selection),
                key=lambda job: (_KEYS[order.key](job), job.row),
                reverse=order.descending,
            )
            return islice(jobs, *_bounds(page))
        return self._streamed(selection, order, page)

    def count(self, selection: Selection) -> int:
        if selection.ids:
            return len(self._named(selection))
        if selection.tags or selection.search is not None or selection.since is not None:
            condition = meeting(selection)
            with self._reading() as session:
                rows = session.run(
                    f"SELECT count(*) FROM jobs WHERE {condition.sql}", condition.bindings
                )
                return int(next(rows)[0])
        return sum(
            count
            for (queue, state), count in self.tallies().items()
            if (not selection.queues or queue in selection.queues)
            and (not selection.states or state in selection.states)
        )

    def _named(self, selection: Selection) -> list[Job]:
        with self._reading() as session:
            located = locate(session, selection.ids, "row")
            rows = [record for _, record in located if record is not None]
            return _jobs(session, rows, meeting(selection))

    def _streamed(self, selection: Selection, order: Order, page: Page) -> Iterator[Job]:
        rows = self._rows(selection, order, page)
        condition = meeting(selection)
        while portion := [(row,) for row in islice(rows, PORTION)]:
            with self._reading() as session:
                jobs = _jobs(session, portion, condition)
            yield from jobs

    def _rows(self, selection: Selection, order: Order, page: Page) -> Iterator[int]:
        match order.key:
            case SortKey.CREATED if len(set(selection.states)) <= 1:
                return islice(self._stream(selection, order, page), *_bounds(page))
            case SortKey.CREATED:
                parts = self._rows_by_state(selection, order, page)
                return islice(merge(*parts, reverse=order.descending), *_bounds(page))
            case SortKey.STATE:
                parts = self._rows_by_state(selection, order, page)
                return islice(chain(*parts), *_bounds(page))
            case _:
                return iter(self._rows_sorted(selection, order, page))

    def _stream(self, selection: Selection, order: Order, page: Page) -> Iterator[int]:
        """Rows by age, as long as somebody takes them; an index has those of one state so."""
        condition = meeting(selection)
        beyond, last = ("<", _LARGEST) if order.descending else (">", 0)
        sql = f"""
            SELECT row FROM jobs WHERE {condition.sql} AND row {beyond} ?
            ORDER BY row {_direction(order)} LIMIT ?
        """
        size = PORTION if page.limit is None else min(PORTION, page.limit + page.offset)
        while True:
            with self._reading() as session:
                rows = [row for (row,) in session.run(sql, (*condition.bindings, last, size))]
            yield from rows
            if len(rows) < size or not rows:
                return
            last = rows[-1]

    def _rows_by_state(self, selection: Selection, order: Order, page: Page) -> list[list[int]]:
        """Rows by age within each state, all of one moment, since jobs move between states."""
        wanted = _LARGEST if page.limit is None else page.offset + page.limit
        states = [state for state in State if state in (selection.states or State)]
        parts = []
        with self._reading() as session:
            for state in reversed(states) if order.descending else states:
                condition = meeting(selection._replace(states=(state,)))
                sql = f"""
                    SELECT row FROM jobs WHERE {condition.sql}
                    ORDER BY row {_direction(order)} LIMIT ?
                """
                found = session.run(sql, (*condition.bindings, wanted))
                parts.append([row for (row,) in found])
        return parts

    def _rows_sorted(self, selection: Selection, order: Order, page: Page) -> list[int]:
        condition, direction = meeting(selection), _direction(order)
        sql = f"""
            SELECT row FROM jobs WHERE {condition.sql}
            ORDER BY {_SQL_KEYS[order.key]} {direction}, row {direction} LIMIT ? OFFSET ?
        """
        limit = _LARGEST if page.limit is None else page.limit
        with self._reading() as session:
            rows = session.run(sql, (*condition.bindings, limit, page.offset))
            return [row for (row,) in rows]


def _jobs(session: Session, rows: Iterable[Row], condition: Condition) -> list[Job]:
    """The jobs in `rows` that still meet the condition."""
    sql = f"SELECT {JOB_COLUMNS} FROM jobs WHERE row = ? AND {condition.sql}"
    bindings = ((*row, *condition.bindings) for row in rows)
    return [job_from(record) for record in session.run_each(sql, bindings)]


def _bounds(page: Page) -> tuple[int, int | None]:
    return page.offset, None if page.limit is None else page.offset + page.limit


def _direction(order: Order) -> str:
    return "DESC" if order.descending else "ASC"
