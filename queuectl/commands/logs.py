"""The command `logs`: the output of a job, as it is or while it grows."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands import arguments
from queuectl.commands.command import Context
from queuectl.commands.following import Following
from queuectl.commands.printing import Printer
from queuectl.commands.selecting import checked_ids


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    number = arguments.whole_number
    action = parser.add_argument("id", metavar="ID", help="id of the job")
    arguments.completed(action, "job")
    parser.add_argument(
        "--attempt", type=number("--attempt", 1), metavar="N", help="of attempt N (default: latest)"
    )
    parser.add_argument(
        "--tail", type=number("--tail", 0), metavar="N", help="only the last N lines"
    )
    parser.add_argument("--follow", action="store_true", help="go on until the job has ended")
    parser.add_argument("--stderr", action="store_true", help="only what went to stderr")
    parser.add_argument("--raw", action="store_true", help="as it was, control characters included")


def run(context: Context, args: Namespace) -> int:
    """Print the output."""
    (job_id,) = checked_ids([args.id])
    job = context.queue.get(job_id)
    printer = Printer(context, raw=args.raw, only_stderr=args.stderr)
    if args.follow:
        Following(context.queue, job, args.attempt).show(printer, args.tail)
    else:
        printer.show(context.queue.output(job, args.attempt), tail=args.tail)
    printer.close()
    return 0
