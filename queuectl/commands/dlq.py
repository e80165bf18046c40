"""The command `dlq`: look at dead jobs, run them again, or delete them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands import arguments, selecting
from queuectl.commands.command import Context
from queuectl.commands.listing import write_page
from queuectl.commands.show import show_job
from queuectl.commands.tables import Column, Row
from queuectl.commands.wording import counted, minute
from queuectl.domain.errors import WrongState
from queuectl.domain.job import Job
from queuectl.domain.lifecycle import State
from queuectl.domain.selection import Selection

_COLUMNS = (
    Column("ID"),
    Column("Command", flexible=True),
    Column("T"),
    Column("Failed"),
    Column("Error", flexible=True),
)


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list dead jobs")
    arguments.add_queue_and_tag(listing)
    arguments.add_page(listing)
    arguments.add_format(listing)
    one = actions.add_parser("show", help="show everything about a dead job")
    arguments.completed(one.add_argument("id", metavar="ID", help="id of the job"), "dead job")
    arguments.add_format(one)
    again = actions.add_parser("retry", help="move dead jobs back to pending")
    selecting.add_selection(again, with_state=False)
    purge = actions.add_parser("purge", help="delete dead jobs (all, where none is named)")
    selecting.add_selection(purge, with_state=False)


def run(context: Context, args: Namespace) -> int:
    """Do what the action says."""
    match args.action:
        case "list":
            return _list(context, args)
        case "show":
            (job_id,) = selecting.checked_ids([args.id])
            return show_job(context, args.format, _dead(context, job_id, "show"))
        case "retry":
            return _retry(context, args)
        case _:
            return _purge(context, args)


def _list(context: Context, args: Namespace) -> int:
    selection = selecting.filtered(args)._replace(states=(State.DEAD,))
    if not write_page(context, args, selection, _COLUMNS, _row):
        context.say("The dead letter queue is empty")
    return 0


def _row(job: Job) -> Row:
    return (job.id, job.line, job.tries, minute(job.finished_at), job.error or "")


def _retry(context: Context, args: Namespace) -> int:
    selection = selecting.selected(args, "retry")
    if not selection.ids:
        return _retry_many(context, selection._replace(states=(State.DEAD,)))
    jobs = [_dead(context, job_id, "retry") for job_id in selection.ids]
    context.queue.retry_all(selection)
    for job in jobs:
        context.say(f"Job '{job.id}' moved from DLQ back to pending queue")
        context.say(f"Retry attempts reset to 0/{job.max_retries}")
    return 0


def _retry_many(context: Context, selection: Selection) -> int:
    count = selecting.something(context.queue.retry_all(selection), "retry")
    context.say(f"Moving {count} jobs from DLQ back to pending queue...")
    context.say("All DLQ jobs have been reset and queued for retry")
    return 0


def _purge(context: Context, args: Namespace) -> int:
    if not (args.ids or args.queue or args.tag):
        args.all = True
    selection = selecting.selected(args, "purge")
    for job_id in selection.ids:
        _dead(context, job_id, "purge")
    if not selection.ids:
        selection = selection._replace(states=(State.DEAD,))
    count = selecting.something(context.queue.remove_all(selection), "purge")
    context.say(f"Purged {counted(count, 'job')} from DLQ")
    return 0


def _dead(context: Context, job_id: str, deed: str) -> Job:
    job = context.queue.get(job_id)
    if job.state is not State.DEAD:
        raise WrongState(job.id, job.state, f"dlq {deed}", [State.DEAD])
    return job
