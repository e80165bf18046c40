"""Moving sets of jobs from state to state, with their history and the tallies."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from queuectl.domain.lifecycle import TRANSITIONS, Event
from queuectl.stores.sql.session import Row, Session
from queuectl.stores.sql.targets import Target


class Move(NamedTuple):
    """A change of state that time or a person makes: what else is set, and why."""

    event: Event
    reason: str
    assignments: str
    bindings: tuple[Any, ...]

    def apply(self, session: Session, target: Target) -> int:
        """Move all jobs of a target; the count."""
        before, after = target.state, TRANSITIONS[target.state, self.event]
        moved = session.run_each(
            f"""
            UPDATE jobs SET state = '{after.letter}', changes = changes + 1, {self.assignments}
            WHERE state = '{before.letter}' AND {target.condition}
            RETURNING row, queue, lease, changes
            """,
            ((*self.bindings, *bindings) for bindings in target.bindings),
        )
        counts: dict[str, int] = {}

        def changes() -> Iterator[Row]:
            for row, queue, lease, number in moved:
                counts[queue] = counts.get(queue, 0) + 1
                yield row, number, session.now, before.letter, after.letter, lease, self.reason

        write_changes(session, changes())
        for queue, count in counts.items():
            session.tally(queue, before, -count)
            session.tally(queue, after, count)
        return sum(counts.values())


def write_changes(session: Session, changes: Iterable[Row]) -> None:
    """Keep changes of state that no run stands for; `number` counts within the job."""
    session.run_each(
        """
        INSERT INTO changes (job, number, at, before, after, lease, reason)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
        changes,
    )
