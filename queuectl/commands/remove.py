"""The command `remove`: delete jobs with their history and output."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.command import Context
from queuectl.commands.selecting import add_selection, selected, something
from queuectl.commands.wording import counted


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    add_selection(parser)


def run(context: Context, args: Namespace) -> int:
    """Remove."""
    count = something(context.queue.remove_all(selected(args, "remove")), "remove")
    context.say(f"Removed {counted(count, 'job')}")
    return 0
