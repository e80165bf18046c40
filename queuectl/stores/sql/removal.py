"""Deleting jobs with all that belongs to them."""

from __future__ import annotations

from queuectl.stores.exchange import Lease
from queuectl.stores.sql.session import Session
from queuectl.stores.sql.targets import Target


def delete(session: Session, target: Target) -> list[Lease]:
    """Delete the jobs of a target; their runs, or lease 0 for a job that has none."""
    leases: list[Lease] = []
    for bindings in target.bindings:
        leases += (
            Lease(row, lease)
            for row, lease in session.run(
                f"""
                SELECT jobs.row, coalesce(runs.lease, 0)
                FROM jobs LEFT JOIN runs ON runs.job = jobs.row
                WHERE state = '{target.state.letter}' AND {target.condition}
                """,
                bindings,
            )
        )
    for (queue,) in session.run_each(
        f"""
        DELETE FROM jobs WHERE state = '{target.state.letter}' AND {target.condition}
        RETURNING queue
        """,
        target.bindings,
    ):
        session.tally(queue, target.state, -1)
    return leases
