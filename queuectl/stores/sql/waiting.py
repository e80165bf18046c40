"""Jobs that wait: for their time, or for a worker."""

from __future__ import annotations

from queuectl.domain.lifecycle import BY_LETTER, Event, State
from queuectl.stores.contract import Tallies
from queuectl.stores.sql.moving import Move
from queuectl.stores.sql.session import Session, Transactional
from queuectl.stores.sql.targets import Target

_DUE = Move(Event.PROMOTE, "its time has come", "relative = 0", ())
_UNFINISHED = (State.PENDING, State.PROCESSING, State.FAILED)


class Waiting(Transactional):
    """Tells what waits, and makes pending what is due."""

    def promote(self) -> int:
        with self._writing("promote") as session:
            return promote_due(session)

    def next_due(self) -> int | None:
        return self._earliest(
            """
            SELECT min(run_at) FROM (
                SELECT min(run_at) AS run_at FROM jobs WHERE state = 'S'
                UNION ALL SELECT min(run_at) FROM jobs WHERE state = 'F'
            ) AS earliest
            """
        )

    def oldest_pending(self) -> int | None:
        return self._earliest("SELECT min(run_at) FROM jobs WHERE state = 'P'")

    def tallies(self) -> Tallies:
        with self._reading() as session:
            counts = session.run("SELECT queue, state, count FROM tallies WHERE count <> 0")
            return {(queue, BY_LETTER[letter]): count for queue, letter, count in counts}

    def has_work(self, queues: tuple[str, ...]) -> bool:
        return any(
            state in _UNFINISHED and (not queues or queue in queues)
            for queue, state in self.tallies()
        )

    def _earliest(self, sql: str) -> int | None:
        with self._reading() as session:
            found = session.first(sql)
        return None if found is None else found[0]


def promote_due(session: Session) -> int:
    """Make every job pending whose time has come, along the index jobs_by_due; the count."""
    return sum(_DUE.apply(session, _due(session, s)) for s in (State.SCHEDULED, State.FAILED))


def _due(session: Session, state: State) -> Target:
    condition = "run_at <= ?"
    if session.skip_locked:  # others may be about to promote the same
        found = f"SELECT row FROM jobs WHERE state = '{state.letter}' AND {condition}"
        condition = f"row IN ({found} {session.skip_locked})"
    return Target(state, condition, [(session.now,)])
