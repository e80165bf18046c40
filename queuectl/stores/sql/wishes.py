"""What people wish of jobs: that they end, run again, or go away."""

from __future__ import annotations

from itertools import chain

from queuectl.domain.lifecycle import Event, State, sources
from queuectl.domain.selection import Selection
from queuectl.stores.exchange import Cancelled, Lease
from queuectl.stores.sql.moving import Move
from queuectl.stores.sql.removal import delete
from queuectl.stores.sql.session import Session, Transactional
from queuectl.stores.sql.targets import Target, targets

_REMOVABLE = frozenset(State) - {State.PROCESSING}


class Wishes(Transactional):
    """Fulfils what people wish, for jobs by id or by filter."""

    def cancel(self, selection: Selection) -> Cancelled:
        ended = asked = 0
        with self._writing("cancel") as session:
            move = Move(Event.CANCEL, "cancelled by a person", "finished_at = ?", (session.now,))
            for target in targets(session, selection, sources(Event.CANCEL), Event.CANCEL):
                if target.state is State.PROCESSING:
                    asked += _wish_end(session, target)
                else:
                    ended += move.apply(session, target)
        return Cancelled(ended, asked)

    def retry(self, selection: Selection) -> int:
        with self._writing("retry") as session:
            move = Move(
                Event.RETRY,
                "retried by a person",
                """
                run_at = ?, relative = 0, retries = 0, cancel_requested = 0, finished_at = NULL,
                exit_code = NULL, signal = NULL, error = NULL, alone = 0
                """,
                (session.now,),
            )
            chosen = targets(session, selection, sources(Event.RETRY), Event.RETRY)
            return sum(move.apply(session, target) for target in chosen)

    def remove(self, selection: Selection) -> list[Lease]:
        with self._writing("remove") as session:
            chosen = targets(session, selection, _REMOVABLE, "remove")
            return list(chain.from_iterable(delete(session, target) for target in chosen))


def _wish_end(session: Session, target: Target) -> int:
    wished = session.run_each(
        f"""
        UPDATE jobs SET cancel_requested = 1
        WHERE state = '{State.PROCESSING.letter}' AND {target.condition}
        RETURNING row
        """,
        target.bindings,
    )
    return sum(1 for _ in wished)
