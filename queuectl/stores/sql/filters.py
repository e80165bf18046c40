"""Selections of jobs as conditions."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from queuectl.domain.lifecycle import State
from queuectl.domain.selection import Selection
from queuectl.stores.sql.records import dumped_words

# A part of the id, of the shell line, or of the words of a program; `lower` on both sides, so
# that the database alone decides what two cases of one letter are.
_SEARCH = """(
    lower(coalesce(name, 'j' || row)) LIKE lower(?) ESCAPE '\\'
    OR lower(command) LIKE lower(?) ESCAPE '\\'
    OR lower(replace(substr(args, 3, length(args) - 4), '","', ' ')) LIKE lower(?) ESCAPE '\\'
)"""


class Condition(NamedTuple):
    """What stands behind WHERE, and its bindings."""

    sql: str
    bindings: tuple[Any, ...] = ()

    def also(self, sql: str, *bindings: Any) -> "Condition":
        """This condition and another one."""
        return Condition(f"{self.sql} AND {sql}", (*self.bindings, *bindings))


def in_states(states: Iterable[State]) -> Condition:
    """That a job is in one of these states, of which there is at least one."""
    return among("state", [state.letter for state in states])


def meeting(selection: Selection) -> Condition:
    """That a job meets all filters of a selection but its ids."""
    condition = in_states(selection.states) if selection.states else Condition("TRUE")
    if selection.queues:
        queued = among("queue", selection.queues)
        condition = condition.also(queued.sql, *queued.bindings)
    for tag in selection.tags:
        condition = condition.also("replace(tags, ?, '') <> tags", f'"{tag}"')
    if selection.search is not None:
        text, words = _pattern(selection.search), _pattern(dumped_words(selection.search))
        condition = condition.also(_SEARCH, text, text, words)
    if selection.since is not None:
        condition = condition.also("created_at >= ?", selection.since)
    return condition


def among(column: str, values: Sequence[str]) -> Condition:
    """That a column has one of these values, of which there is at least one."""
    return Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def _pattern(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, "\\" + special)
    return f"%{text}%"
