"""The command `demo`: sample jobs that succeed, take long, fail, hurry and wait."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands import arguments
from queuectl.commands.command import Context
from queuectl.commands.listing import in_order, write_jobs
from queuectl.commands.tables import Column, write_table
from queuectl.commands.wording import counted, state_letter

# What each job shows, and the job.
SAMPLES: tuple[tuple[str, dict[str, object]], ...] = (
    ("success", {"command": "echo 'Hello from queuectl'"}),
    ("slow", {"command": "for i in 1 2 3; do echo step $i; sleep 1; done"}),
    (
        "failing",
        {"command": "echo 'no luck today' >&2; exit 3", "max_retries": 2, "backoff": "fixed:1s"},
    ),
    ("prioritised", {"command": "echo 'I go first'", "priority": 100}),
    ("scheduled", {"command": "echo 'right on time'", "delay": 10}),
)
_COLUMNS = (Column("ID"), Column("St"), Column("Shows"), Column("Command", flexible=True))


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    arguments.add_format(parser)


def run(context: Context, args: Namespace) -> int:
    """Add the samples."""
    queue, default = context.queue, context.queue.default_spec()
    added = queue.add([queue.checked(dict(wish), default) for _, wish in SAMPLES])
    jobs = list(in_order(context, [job_id for job_id, _ in added.jobs]))
    if args.format != "table":
        write_jobs(context, args.format, jobs)
        return 0
    shown = [purpose for purpose, _ in SAMPLES]
    rows = [
        (job.id, state_letter(job), purpose, job.line)
        for job, purpose in zip(jobs, shown, strict=False)
    ]
    write_table(context, _COLUMNS, rows)
    context.say(f"Enqueued {counted(len(jobs), 'sample job')}")
    return 0
