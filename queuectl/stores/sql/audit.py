"""Whether what the store says agrees with itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from queuectl.domain.lifecycle import BY_LETTER
from queuectl.stores.exchange import Lease
from queuectl.stores.sql.records import id_of
from queuectl.stores.sql.session import Row, Session, Transactional
from queuectl.stores.upkeep import Flaw, Part

_MOST_NAMED = 5
_NEWEST = 1000  # jobs among which the latest instant is looked for

# What is wrong with a job, in words, and the statement that finds the row and name of such jobs.
_OF_JOBS: tuple[tuple[Part, str, str], ...] = (
    (
        Part.RUNS,
        "are processing without an open run of their lease",
        """
        SELECT row, name FROM jobs WHERE state = 'R' AND NOT EXISTS (
            SELECT 1 FROM runs
            WHERE job = jobs.row AND lease = jobs.lease AND ended_at IS NULL
        )
        """,
    ),
    (
        Part.RUNS,
        "have an open run that is not of their lease, or are not processing",
        """
        SELECT DISTINCT jobs.row, jobs.name FROM runs JOIN jobs ON jobs.row = runs.job
        WHERE runs.ended_at IS NULL AND NOT (jobs.state = 'R' AND jobs.lease = runs.lease)
        """,
    ),
    (
        Part.HISTORY,
        "are in another state than their history ends in",
        """
        SELECT jobs.row, jobs.name FROM jobs
        LEFT JOIN changes ON changes.job = jobs.row AND changes.number = jobs.changes
        LEFT JOIN runs ON runs.job = jobs.row AND runs.lease = jobs.lease
            AND runs.change + 1 = jobs.changes
        WHERE jobs.state IS DISTINCT FROM CASE
            WHEN changes.after IS NOT NULL THEN changes.after
            WHEN runs.job IS NOT NULL AND runs.ended_at IS NULL THEN 'R'
            WHEN runs.job IS NOT NULL THEN runs.after
            WHEN jobs.changes = 0 AND jobs.state IN ('P', 'S', 'B') THEN jobs.state
        END
        """,
    ),
    (
        Part.HISTORY,
        "have another number of attempts than was counted",
        """
        SELECT jobs.row, jobs.name FROM jobs
        LEFT JOIN (SELECT job, count(*) AS number FROM runs GROUP BY job) AS made
            ON made.job = jobs.row
        WHERE jobs.attempts <> coalesce(made.number, 0)
        """,
    ),
    (
        Part.HISTORY,
        "have lost the output of an attempt",
        """
        SELECT DISTINCT jobs.row, jobs.name FROM runs JOIN jobs ON jobs.row = runs.job
        WHERE runs.output = 'store' AND NOT EXISTS (
            SELECT 1 FROM outputs WHERE outputs.job = runs.job AND outputs.lease = runs.lease
        )
        """,
    ),
)
# What has lost what it belongs to: in words, and the statement that names such records.
_LOST: tuple[tuple[str, str], ...] = (
    ("attempts of jobs", "SELECT job FROM runs WHERE job NOT IN (SELECT row FROM jobs)"),
    ("changes of jobs", "SELECT job FROM changes WHERE job NOT IN (SELECT row FROM jobs)"),
    (
        "outputs of attempts",
        """
        SELECT outputs.job FROM outputs
        LEFT JOIN runs ON runs.job = outputs.job AND runs.lease = outputs.lease
        WHERE runs.job IS NULL
        """,
    ),
    (
        "attempts by workers",
        "SELECT job FROM runs WHERE worker NOT IN (SELECT id FROM workers)",
    ),
    (
        "workers of supervisors",
        "SELECT id FROM workers WHERE supervisor NOT IN (SELECT id FROM supervisors)",
    ),
)
_WRONG_TALLIES = """
    SELECT queue, state, sum(counted), sum(said) FROM (
        SELECT queue, state, count(*) AS counted, 0 AS said FROM jobs GROUP BY queue, state
        UNION ALL SELECT queue, state, 0, count FROM tallies
    ) AS sides
    GROUP BY queue, state HAVING sum(counted) <> sum(said) ORDER BY queue, state
"""


class Audit(Transactional):
    """Compares what is written in several places, and counts what has tallies."""

    @abstractmethod
    def _damage(self) -> list[str]:
        """What the database finds wrong with its own structure."""

    def examine(self) -> list[Flaw]:
        damaged = [Flaw(Part.FILE, text) for text in self._damage()]
        if damaged:
            return damaged
        with self._reading() as session:
            return [*_of_tallies(session), *_of_jobs(session), *_lost(session)]

    def recount(self) -> int:
        with self._writing("recount") as session:
            wrong = list(session.run(_WRONG_TALLIES))
            session.run_each(
                """
                INSERT INTO tallies (state, queue, count) VALUES (?, ?, ?)
                ON CONFLICT (state, queue) DO UPDATE SET count = excluded.count
                """,
                [(state, queue, counted) for queue, state, counted, _ in wrong],
            )
        return len(wrong)

    def latest(self) -> int | None:
        with self._reading() as session:
            found = session.first(
                f"""
                SELECT max(at) FROM (
                    SELECT max(created_at) AS at FROM (
                        SELECT created_at FROM jobs ORDER BY row DESC LIMIT {_NEWEST}
                    ) AS newest
                    UNION ALL SELECT max(ended_at) FROM runs WHERE ended_at IS NOT NULL
                    UNION ALL SELECT max(heartbeat_at) FROM supervisors
                ) AS known
                """
            )
        return None if found is None else found[0]

    def known_runs(self, first: int, last: int) -> set[Lease]:
        with self._reading() as session:
            return {
                Lease(row, lease)
                for row, lease in session.run(
                    """
                    SELECT jobs.row, coalesce(runs.lease, 0)
                    FROM jobs LEFT JOIN runs ON runs.job = jobs.row
                    WHERE jobs.row BETWEEN ? AND ?
                    """,
                    (first, last),
                )
            }


def _of_tallies(session: Session) -> Iterator[Flaw]:
    for queue, letter, counted, said in session.run(_WRONG_TALLIES):
        state = BY_LETTER.get(letter, letter)
        text = f"queue {queue!r} is said to have {said} {state} jobs, and has {counted}"
        yield Flaw(Part.TALLIES, text)


def _of_jobs(session: Session) -> Iterator[Flaw]:
    for part, what, sql in _OF_JOBS:
        found = [id_of(row, name) for row, name in sorted(session.run(sql), key=_row)]
        if found:
            yield Flaw(part, f"jobs that {what}: {_named(found)}")


def _lost(session: Session) -> Iterator[Flaw]:
    for what, sql in _LOST:
        found = [str(owner) for (owner,) in session.run(sql)]
        if found:
            yield Flaw(Part.REFERENCES, f"{what} that do not exist: {_named(found)}")


def _row(record: Row) -> int:
    row: int = record[0]
    return row


def _named(found: list[str]) -> str:
    more = len(found) - _MOST_NAMED
    return ", ".join(found[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
