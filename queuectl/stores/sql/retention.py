"""Forgetting jobs and processes that ended long ago."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from queuectl.domain.lifecycle import BY_LETTER, ENDED, State
from queuectl.stores.exchange import Lease
from queuectl.stores.sql.removal import delete
from queuectl.stores.sql.session import Session, Transactional
from queuectl.stores.sql.targets import Target


class Retention(Transactional):
    """Deletes ended jobs by age and by count, and processes that nothing speaks of any more."""

    def prune(self, age: int | None, keep: int | None, limit: int) -> list[Lease]:
        leases: list[Lease] = []
        rows: dict[State, list[tuple[int]]] = defaultdict(list)
        with self._writing("prune") as session:
            before = None if age is None else session.certainly_before(age)
            for row, letter in _expired(session, before, keep, limit):
                rows[BY_LETTER[letter]].append((row,))
            for state, chosen in rows.items():
                leases += delete(session, Target(state, "row = ?", chosen))
            if leases:
                session.settle()
                session.run("DELETE FROM tallies WHERE count = 0")  # of queues long forgotten
        return leases

    def old_processes(self, before: int) -> list[str]:
        with self._reading() as session:
            # The runs are walked through only where there is a worker to be looked for.
            workers = session.run(
                """
                SELECT workers.id FROM supervisors
                JOIN workers ON workers.supervisor = supervisors.id
                WHERE supervisors.ended_at < ?
                    AND (workers.status = 'stopped' OR workers.status = 'died')
                    AND workers.id NOT IN (SELECT worker FROM runs)
                """,
                (before,),
            )
            return [worker_id for (worker_id,) in workers]

    def forget_processes(self, before: int, worker_ids: Sequence[str]) -> None:
        with self._deleting("forget processes") as session:
            session.run_each(
                """
                DELETE FROM workers WHERE id = ? AND (status = 'stopped' OR status = 'died')
                    AND id NOT IN (SELECT worker FROM jobs WHERE state = 'R')
                """,
                [(worker_id,) for worker_id in worker_ids],
            )
            session.run(
                """
                DELETE FROM supervisors WHERE ended_at < ?
                    AND id NOT IN (SELECT supervisor FROM workers)
                    AND id <> (
                        SELECT id FROM supervisors WHERE ended_at IS NOT NULL
                        ORDER BY ended_at DESC, started_at DESC LIMIT 1
                    )
                """,
                (before,),
            )


def _expired(
    session: Session, before: int | None, keep: int | None, limit: int
) -> Iterator[tuple[int, str]]:
    """Row and state of the ended jobs to delete, along the index jobs_by_end."""
    excess = 0 if keep is None else _count_ended(session) - keep
    oldest_ends = session.run(
        """
        SELECT row, state, finished_at FROM jobs WHERE finished_at IS NOT NULL
        ORDER BY finished_at, row LIMIT ?
        """,
        (limit,),
    )
    for position, (row, letter, finished_at) in enumerate(oldest_ends):
        if position >= excess and (before is None or finished_at >= before):
            return
        yield row, letter


def _count_ended(session: Session) -> int:
    letters = [state.letter for state in ENDED]
    found = session.first("SELECT sum(count) FROM tallies WHERE state IN (?, ?, ?)", letters)
    return int((found and found[0]) or 0)
