"""Which jobs a command means: ids, or filters, and nothing by accident."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.arguments import add_filters, add_ids, add_queue_and_tag
from queuectl.domain.errors import InvalidInput, NothingMatched
from queuectl.domain.lifecycle import State, parse_state
from queuectl.domain.selection import Selection
from queuectl.domain.spec import check_name
from queuectl.queue import JobQueue


def add_selection(parser: ArgumentParser, *, with_state: bool = True) -> None:
    """Ids, the filters and `--all`."""
    add_ids(parser, nargs="*", help="ids of jobs")
    (add_filters if with_state else add_queue_and_tag)(parser)
    parser.add_argument("--all", action="store_true", help="all jobs for which it makes sense")


def selected(args: Namespace, deed: str) -> Selection:
    """The jobs that the words mean; raises `InvalidInput` where they mean none or two things."""
    filters = filtered(args)
    if args.ids and (filters != Selection() or args.all):
        raise InvalidInput(f"{deed}: give either ids or filters, not both")
    if not args.ids and filters == Selection() and not args.all:
        raise InvalidInput(f"{deed}: give ids of jobs, or --state, --queue, --tag or --all")
    return filters._replace(ids=checked_ids(args.ids))


def filtered(args: Namespace) -> Selection:
    """The jobs that the filters mean, all jobs where none is given."""
    return Selection(
        states=states_of(getattr(args, "state", [])),
        queues=tuple(check_name("queue", name) for name in args.queue),
        tags=tuple(check_name("tag", name) for name in args.tag),
    )


def states_of(names: list[str]) -> tuple[State, ...]:
    """The states called so, each once; one word may name several, with commas."""
    parts = [part for name in names for part in name.split(",")]
    return tuple(dict.fromkeys(map(parse_state, parts)))


def checked_ids(ids: list[str]) -> tuple[str, ...]:
    """The ids, each once; raises `BadValue` for what can be no id."""
    return tuple(dict.fromkeys(check_name("id", job_id) for job_id in ids))


def count(queue: JobQueue, selection: Selection) -> int:
    """How many jobs a selection has, without a look at the jobs where that is possible."""
    if selection != Selection(states=selection.states, queues=selection.queues):
        return queue.store.count(selection)
    return sum(
        number
        for (name, state), number in queue.store.tallies().items()
        if (not selection.states or state in selection.states)
        and (not selection.queues or name in selection.queues)
    )


def something(number: int, deed: str) -> int:
    """`number`, if it is not 0; raises `NothingMatched`."""
    if not number:
        raise NothingMatched(deed)
    return number
