"""The command `time`: now, the time zone, and the next scheduled run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands import arguments, formats
from queuectl.commands.command import Context
from queuectl.commands.tables import write_facts
from queuectl.commands.wording import ago, moment
from queuectl.domain.timing import format_instant, from_instant


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    arguments.add_format(parser, arguments.OBJECT_FORMATS)


def run(context: Context, args: Namespace) -> int:
    """Tell the time."""
    now, due = context.queue.store.now(), context.queue.store.next_due()
    zone = from_instant(now).astimezone().strftime("%Z (UTC%z)")
    if args.format != "table":
        record = {
            "now": format_instant(now),
            "time_zone": zone,
            "next_run_at": None if due is None else format_instant(due),
        }
        formats.write_record(context, args.format, record)
        return 0
    facts = [("Now", moment(now)), ("Time zone", zone), ("Next scheduled run", ago(due, now))]
    write_facts(context, facts)
    return 0
