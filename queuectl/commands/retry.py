"""The command `retry`: run failed, dead, cancelled or completed jobs again now."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.command import Context
from queuectl.commands.selecting import add_selection, selected, something
from queuectl.commands.wording import counted


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    add_selection(parser)


def run(context: Context, args: Namespace) -> int:
    """Retry."""
    count = something(context.queue.retry_all(selected(args, "retry")), "retry")
    context.say(f"Moved {counted(count, 'job')} back to pending")
    return 0
