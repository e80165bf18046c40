"""The command `status`: counts, workers, queues, what is next, and what needs a person."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from queuectl.commands import arguments, formats
from queuectl.commands.command import Context
from queuectl.commands.presence import living_workers, silent_supervisor, supervisor_died
from queuectl.commands.tables import Column, paint, write_facts, write_table
from queuectl.commands.troubles import troubles
from queuectl.commands.wording import ago, counted, state_name
from queuectl.domain.lifecycle import State
from queuectl.domain.timing import SECOND, describe_duration, format_instant
from queuectl.queue import JobQueue, Stats

_COLUMNS = (Column("State"), Column("Jobs", right=True))


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    arguments.add_format(parser, arguments.OBJECT_FORMATS)


def run(context: Context, args: Namespace) -> int:
    """Show how the queue is."""
    stats = context.queue.stats()
    active, busy = workers_at_work(context.queue)
    if args.format == "table":
        write_counts(context, stats)
        _write_rest(context, stats, active, busy)
        _write_hints(context, stats, active)
    elif args.format == "csv":
        rows = ({"state": str(state), "jobs": count} for state, count in stats.jobs.items())
        formats.write_records(context, "csv", rows, key="state", fields=("state", "jobs"))
    else:
        record = as_record(stats, active, busy, troubles(context.queue))
        formats.write_record(context, args.format, record)
    return 0


def write_counts(context: Context, stats: Stats) -> None:
    """The table of states and how many jobs are in each."""
    rows = [(state_name(state), str(count)) for state, count in stats.jobs.items()]
    write_table(context, _COLUMNS, [*rows, ("total", str(sum(stats.jobs.values())))])


def workers_at_work(queue: JobQueue) -> tuple[int, int]:
    """How many workers live, and how many of them run something."""
    workers = living_workers(queue)
    if not workers:
        return 0, 0
    holders = {holding.worker for holding in queue.holdings()}
    return len(workers), sum(worker.id in holders for worker in workers)


def as_record(stats: Stats, active: int, busy: int, trouble: list[str]) -> dict[str, Any]:
    """The state of the queue in the shape of the JSON schema."""
    return {
        "jobs": {str(state): count for state, count in stats.jobs.items()},
        "workers": {"active": active, "busy": busy},
        "queues": [
            {"name": name, "jobs": {str(state): count for state, count in counts.items()}}
            for name, counts in sorted(stats.queues.items())
        ],
        "next_run_at": None if stats.next_run_at is None else format_instant(stats.next_run_at),
        "oldest_pending_seconds": stats.oldest_pending_seconds,
        "trouble": trouble,
    }


def _write_rest(context: Context, stats: Stats, active: int, busy: int) -> None:
    oldest = stats.oldest_pending_seconds
    facts = [
        ("Workers", f"{active} active, {busy} busy"),
        ("Queues", ", ".join(_queue_line(*item) for item in sorted(stats.queues.items())) or "-"),
        ("Oldest pending", "-" if oldest is None else describe_duration(oldest)),
        ("Next scheduled run", ago(stats.next_run_at, context.queue.store.now())),
    ]
    context.write("\n")
    write_facts(context, facts)


def _queue_line(name: str, counts: dict[State, int]) -> str:
    return f"{name} ({counted(sum(counts.values()), 'job')})"


def _write_hints(context: Context, stats: Stats, active: int) -> None:
    hints = troubles(context.queue)
    waiting = sum(stats.jobs[state] for state in (State.PENDING, State.FAILED, State.SCHEDULED))
    orphaned = stats.jobs[State.PROCESSING] if not active else 0
    if waiting + orphaned and not active:
        cause = "supervisor died" if supervisor_died(context.queue) else "no worker is running"
        verb = "waits" if waiting + orphaned == 1 else "wait"
        hints.append(f"{cause}; {counted(waiting + orphaned, 'job')} {verb}: run worker start")
    silent = silent_supervisor(context.queue)
    if silent is not None:
        since = describe_duration((context.queue.store.now() - silent.heartbeat_at) / SECOND)
        hints.append(
            f"supervisor (PID {silent.pid}) has given no sign of life for {since}: "
            "worker start replaces it"
        )
    for hint in hints:
        context.write(paint(context, f"! {hint}", "yellow") + "\n")
