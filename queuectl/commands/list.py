"""The command `list`: jobs by state, queue, tag, text and age."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.arguments import add_filters, add_format, add_page, is_utf8
from queuectl.commands.command import Context
from queuectl.commands.listing import write_page
from queuectl.commands.selecting import filtered
from queuectl.commands.tables import Column, Row, wrapped
from queuectl.commands.wording import LEGEND, MEANINGS, day, state_letter
from queuectl.domain.errors import BadValue
from queuectl.domain.job import Job
from queuectl.domain.selection import NEWEST_FIRST, Order, Selection, SortKey
from queuectl.domain.text import quoted
from queuectl.domain.timing import SECOND, parse_duration, parse_time

_COLUMNS = (
    Column("ID"),
    Column("St"),
    Column("Command", flexible=True),
    Column("T"),
    Column("Created"),
)
_DAY = 86_400 * SECOND


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    add_filters(parser)
    parser.add_argument("--search", metavar="TEXT", help="only with TEXT in id or command")
    parser.add_argument(
        "--since", metavar="T", help="only created since a time, or within a duration (1h)"
    )
    parser.add_argument(
        "--sort", metavar="[-]KEY", help=f"order by {', '.join(SortKey)}; - for descending"
    )
    add_page(parser)
    add_format(parser)


def run(context: Context, args: Namespace) -> int:
    """List the jobs."""
    selection = _selection(context, args)
    order = parse_order(args.sort) if args.sort is not None else NEWEST_FIRST
    if not write_page(context, args, selection, _COLUMNS, _row, order):
        context.say("No jobs found")
    if args.format == "table":
        context.say("\n".join(wrapped(LEGEND, context.width or len(LEGEND))))
        context.say(_describe(selection))
    return 0


def parse_order(text: str) -> Order:
    """The order written as `key` or `-key`; raises `BadValue`."""
    name = text.removeprefix("-").lower().replace("-", "_")
    try:
        return Order(SortKey(name), descending=text.startswith("-"))
    except ValueError:
        raise BadValue("--sort", text, f"[-] and one of {', '.join(SortKey)}") from None


def parse_since(text: str, now: int) -> int:
    """The instant meant by a time in the past, or by a duration before now."""
    try:
        return now - round(parse_duration(text) * SECOND)
    except BadValue:
        instant = parse_time(text, now, field="--since")
    # A time of day means its latest one here, not the next.
    return instant if instant <= now or len(text) > len("HH:MM") else parse_time(text, now - _DAY)


def _selection(context: Context, args: Namespace) -> Selection:
    since = None if args.since is None else parse_since(args.since, context.queue.store.now())
    if args.search is not None and not is_utf8(args.search):
        raise BadValue("--search", args.search, "valid UTF-8")
    return filtered(args)._replace(search=args.search, since=since)


def _row(job: Job) -> Row:
    return (job.id, state_letter(job), job.line, job.tries, day(job.created_at))


def _describe(selection: Selection) -> str:
    match selection.states:
        case ():
            return f"Showing {_others(selection) or 'all jobs'}"
        case (state,):
            return f"Showing {state} {_others(selection) or 'jobs'}: {MEANINGS[state]}"
        case states:
            return f"Showing {', '.join(states)} {_others(selection) or 'jobs'}"


def _others(selection: Selection) -> str:
    parts = ["jobs"] if selection != Selection(states=selection.states) else []
    if selection.queues:
        parts.append("in queue " + ", ".join(selection.queues))
    if selection.tags:
        parts.append("with tag " + ", ".join(selection.tags))
    if selection.search is not None:
        parts.append(f"that contain {quoted(selection.search)}")
    if selection.since is not None:
        parts.append("created lately")
    return " ".join(parts)
