"""The command `cancel`: end jobs, waiting or running."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.command import Context
from queuectl.commands.selecting import add_selection, selected, something
from queuectl.commands.wording import counted


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    add_selection(parser)


def run(context: Context, args: Namespace) -> int:
    """Cancel."""
    cancelled = context.queue.cancel_all(selected(args, "cancel"))
    something(cancelled.ended + cancelled.asked, "cancel")
    if cancelled.ended or not cancelled.asked:
        context.say(f"Cancelled {counted(cancelled.ended, 'job')}")
    if cancelled.asked:
        context.say(f"Ending {counted(cancelled.asked, 'running job')}")
    return 0
