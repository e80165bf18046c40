"""The command `show`: everything about a job, its attempts and its history."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands import arguments, formats
from queuectl.commands.command import Context
from queuectl.commands.selecting import checked_ids
from queuectl.commands.tables import Cell, Column, Row, write_facts, write_table
from queuectl.commands.wording import ago, moment, seconds, state_name
from queuectl.domain.job import Change, Job, Run
from queuectl.domain.lifecycle import State
from queuectl.domain.retry import format_backoff
from queuectl.domain.secrets import Secrets
from queuectl.domain.timing import format_duration

_RUN_COLUMNS = (
    Column("Attempt", right=True),
    Column("Started"),
    Column("Time", right=True),
    Column("Outcome"),
    Column("Worker"),
    Column("Error", flexible=True),
)
_CHANGE_COLUMNS = (
    Column("At"),
    Column("From"),
    Column("To"),
    Column("Reason", flexible=True),
)


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    action = parser.add_argument("id", metavar="ID", help="id of the job")
    arguments.completed(action, "job")
    arguments.add_format(parser)


def run(context: Context, args: Namespace) -> int:
    """Show the job."""
    (job_id,) = checked_ids([args.id])
    return show_job(context, args.format, context.queue.get(job_id))


def show_job(context: Context, format: str, job: Job) -> int:
    """Write everything about `job` but its secrets; the exit code."""
    job = Secrets.of(context.queue.settings()).masked(job)
    runs, changes = context.queue.runs(job), context.queue.changes(job)
    if format == "table":
        _write_for_a_person(context, job, runs, changes)
        return 0
    record = job.as_record()
    record["runs"] = [run.as_record() for run in runs]
    record["history"] = [change.as_record() for change in changes]
    formats.write_record(context, format, record)
    return 0


def _write_for_a_person(context: Context, job: Job, runs: list[Run], changes: list[Change]) -> None:
    write_facts(context, _facts(job, context.queue.store.now()))
    if runs:
        context.write("\nAttempts\n")
        write_table(context, _RUN_COLUMNS, map(_run_row, runs))
    context.write("\nHistory\n")
    write_table(context, _CHANGE_COLUMNS, map(_change_row, changes))


def _facts(job: Job, now: int) -> list[tuple[str, str | Cell]]:
    facts: list[tuple[str, str | Cell]] = [
        ("ID", Cell(job.id, whole=True)),
        ("State", state_name(job.state)),
        ("Command" if job.command is not None else "Program", job.line),
        ("Queue", job.queue),
        ("Priority", str(job.priority)),
        ("Retries", f"{job.tries} (backoff {format_backoff(job.backoff)})"),
        ("Attempts", str(job.attempts)),
        ("Timeout", "none" if job.timeout is None else format_duration(job.timeout)),
        ("Folder", job.cwd or "-"),
        ("Tags", ", ".join(job.tags) or "-"),
        ("Created", ago(job.created_at, now)),
    ]
    facts += [(f"Env {name}", value) for name, value in sorted((job.env or {}).items())]
    return facts + _facts_of_running(job, now)


def _facts_of_running(job: Job, now: int) -> list[tuple[str, str | Cell]]:
    optional = {
        "Due": ago(job.run_at, now) if job.finished_at is None else None,
        "Started": ago(job.started_at, now) if job.started_at is not None else None,
        "Finished": ago(job.finished_at, now) if job.finished_at is not None else None,
        "Run time": seconds(job.duration) if job.duration is not None else None,
        "Exit code": job.exit_code,
        "Signal": job.signal,
        "Error": job.error,
        "Worker": job.worker and f"{job.worker} on {job.host}",
        "Cancel": "wished, not done yet" if _is_to_be_cancelled(job) else None,
    }
    return [(name, str(value)) for name, value in optional.items() if value is not None]


def _run_row(run: Run) -> Row:
    outcome = "running" if run.end is None else str(run.end)
    if run.exit_code is not None:
        outcome += f" {run.exit_code}"
    elif run.signal is not None:
        outcome += f" (signal {run.signal})"
    return (
        str(run.number),
        moment(run.started_at),
        seconds(run.duration),
        outcome,
        run.worker,
        run.error or "",
    )


def _change_row(change: Change) -> Row:
    before = "" if change.before is None else state_name(change.before)
    return (moment(change.at), before, state_name(change.state), change.reason or "")


def _is_to_be_cancelled(job: Job) -> bool:
    return job.cancel_requested and job.state is State.PROCESSING
