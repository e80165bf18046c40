"""The jobs that a wish or a moment acts on, state by state."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from queuectl.domain.errors import NoSuchJob, WrongState
from queuectl.domain.lifecycle import BY_LETTER, State
from queuectl.domain.selection import Selection
from queuectl.stores.sql.filters import meeting
from queuectl.stores.sql.listing import locate
from queuectl.stores.sql.session import Session


class Target(NamedTuple):
    """Jobs in one state: those that meet the condition under any of its bindings."""

    state: State
    condition: str
    bindings: Sequence[tuple[Any, ...]]


def targets(
    session: Session, selection: Selection, allowed: Collection[State], deed: str
) -> list[Target]:
    """What a deed that is allowed in some states acts on.

    An id is taken at its word: raises `NoSuchJob` and `WrongState`. Filters leave out the rest.
    """
    if selection.ids:
        return _named(session, selection.ids, [s for s in State if s in allowed], deed)
    states = [s for s in State if s in allowed and s in (selection.states or State)]
    condition = meeting(selection._replace(states=()))
    return [Target(state, condition.sql, [condition.bindings]) for state in states]


def _named(
    session: Session, job_ids: Sequence[str], allowed: Sequence[State], deed: str
) -> list[Target]:
    rows: dict[State, list[tuple[int]]] = defaultdict(list)
    for job_id, record in locate(session, job_ids, "row, state"):
        if record is None:
            raise NoSuchJob(job_id)
        row, state = record[0], BY_LETTER[record[1]]
        if state not in allowed:
            raise WrongState(job_id, state, deed, allowed)
        rows[state].append((row,))
    return [Target(state, "row = ?", found) for state, found in rows.items()]
