"""What happened to a job: its attempts, its changes of state, its output."""

from __future__ import annotations

from queuectl.domain.job import Change, Run
from queuectl.domain.lifecycle import BY_LETTER, End, State
from queuectl.domain.statistics import Sample
from queuectl.domain.timing import SECOND
from queuectl.stores.sql.records import RUN_COLUMNS, run_from
from queuectl.stores.sql.session import Session, Transactional

# Ends of commands, as opposed to ends of what they ran in.
_MEASURED = (End.EXITED, End.SIGNALED, End.OUT_OF_MEMORY, End.TIMED_OUT)


class History(Transactional):
    """Reads the past of jobs."""

    def runs(self, row: int) -> list[Run]:
        sql = f"SELECT {RUN_COLUMNS} FROM runs WHERE job = ? ORDER BY lease"
        with self._reading() as session:
            return [run_from(record) for record in session.run(sql, (row,))]

    def changes(self, row: int) -> list[Change]:
        with self._reading() as session:
            job = session.first("SELECT created_at, state FROM jobs WHERE row = ?", (row,))
            numbered = {**_written(session, row), **_of_runs(session, row)}
        if job is None:
            return []
        later = [change for _, change in sorted(numbered.items())]
        enqueued = later[0].before if later else BY_LETTER[job[1]]
        assert enqueued is not None
        return [Change(job[0], None, enqueued, 0, None), *later]

    def output(self, row: int, lease: int) -> bytes | None:
        with self._reading() as session:
            found = session.first(
                "SELECT body FROM outputs WHERE job = ? AND lease = ?", (row, lease)
            )
        return None if found is None else bytes(found[0])

    def samples(self, since: int, limit: int) -> list[Sample]:
        """Newest first, along the index runs_by_end."""
        with self._reading() as session:
            records = session.run(
                """
                SELECT jobs.queue, runs.ended_at, runs.ending = ? AND runs.exit_code = 0,
                    runs.started_at - runs.ready_at, runs.seconds, runs.ended_at - runs.started_at
                FROM runs JOIN jobs ON jobs.row = runs.job
                WHERE runs.ended_at > ? AND runs.ended_at <= ? AND runs.ending IN (?, ?, ?, ?)
                ORDER BY runs.ended_at DESC LIMIT ?
                """,
                (End.EXITED, since, session.now, *_MEASURED, limit),
            )
            return [
                Sample(queue, ended_at, bool(succeeded), max(0, wait) / SECOND,
                    max(0, elapsed) / SECOND if seconds is None else seconds)
                for queue, ended_at, succeeded, wait, seconds, elapsed in records
            ]  # fmt: skip


def _written(session: Session, row: int) -> dict[int, Change]:
    records = session.run(
        "SELECT number, at, before, after, lease, reason FROM changes WHERE job = ?", (row,)
    )
    return {
        number: Change(at, BY_LETTER[before], BY_LETTER[after], lease, reason)
        for number, at, before, after, lease, reason in records
    }


def _of_runs(session: Session, row: int) -> dict[int, Change]:
    """The claim and the end of each run, which have no rows of their own."""
    changes = {}
    for number, lease, started_at, ended_at, after, reason in session.run(
        """
        SELECT change, lease, started_at, ended_at, after, coalesce(error, ending)
        FROM runs WHERE job = ?
        """,
        (row,),
    ):
        changes[number] = Change(started_at, State.PENDING, State.PROCESSING, lease, None)
        if after is not None:
            state = BY_LETTER[after]
            why = None if state is State.COMPLETED else reason
            changes[number + 1] = Change(ended_at, State.PROCESSING, state, lease, why)
    return changes
