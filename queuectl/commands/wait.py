"""The command `wait`: until jobs are completed, dead or cancelled."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.arguments import duration
from queuectl.commands.command import Context
from queuectl.commands.selecting import add_selection, selected, something
from queuectl.commands.waiting import wait_for
from queuectl.domain.selection import Selection


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    add_selection(parser)
    parser.add_argument(
        "--timeout", type=duration("--timeout"), metavar="D", help="give up after this (exit 124)"
    )


def run(context: Context, args: Namespace) -> int:
    """Wait."""
    selection = selected(args, "wait for")
    ids = selection.ids
    if selection != Selection(ids=ids) or not ids:
        ids = tuple(job.id for job in context.queue.find(selection))
        something(len(ids), "wait for")
    return wait_for(context, ids, args.timeout)
