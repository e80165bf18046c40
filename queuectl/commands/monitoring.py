"""What a person sees after `worker start`: progress, counts, a choice where the wait is long."""

from __future__ import annotations

from collections.abc import Sequence

from queuectl.commands.command import Context
from queuectl.commands.progress import Progress, watch
from queuectl.commands.status import write_counts
from queuectl.commands.tables import Column, write_table
from queuectl.commands.wording import ago, counted, state_letter
from queuectl.domain.fleet import Worker
from queuectl.domain.lifecycle import State
from queuectl.domain.selection import Order, Page, Selection, SortKey
from queuectl.domain.timing import SECOND, describe_duration

_LATER = (State.SCHEDULED, State.FAILED)
_CHOICES = """  1. Keep the workers running in the background
  2. Stop the workers
  3. Show the scheduled jobs
"""
_COLUMNS = (Column("ID"), Column("St"), Column("Due"), Column("Command", flexible=True))


def monitor(context: Context, workers: Sequence[Worker], progress: Progress) -> bool:
    """Show what the workers do until nothing is pending; whether they are to go on.

    Ctrl-C leaves the view, and the workers go on.
    """
    try:
        watch(context, workers, progress)
        write_counts(context, context.queue.stats())
        context.say("Workers are now monitoring for new jobs...")
        return _is_to_go_on(context)
    except (KeyboardInterrupt, EOFError):
        context.say("\nThe workers go on in the background (worker stop ends them)")
        return True


def _is_to_go_on(context: Context) -> bool:
    wait = _long_wait(context)
    if wait is None:
        return True
    stats = context.queue.stats()
    count = sum(stats.jobs[state] for state in _LATER)
    noun = counted(count, "scheduled job")
    context.write(f"Found {noun} with next execution in {describe_duration(wait)}\n{_CHOICES}")
    while True:
        context.out.flush()
        match context.ask("Enter choice (1-3): ").strip():
            case "1":
                return True
            case "2":
                return False
            case "3":
                _show_later(context)
            case _:
                context.write("Please enter 1, 2 or 3\n")


def _long_wait(context: Context) -> float | None:
    """Seconds until the next due job, if that is further away than `long_wait`."""
    due = context.queue.store.next_due()
    if due is None:
        return None
    wait = (due - context.queue.store.now()) / SECOND
    return wait if wait > context.queue.settings().long_wait else None


def _show_later(context: Context) -> None:
    now = context.queue.store.now()
    jobs = context.queue.find(Selection(states=_LATER), Order(SortKey.RUN_AT, False), Page(50))
    rows = [(job.id, state_letter(job), ago(job.run_at, now), job.line) for job in jobs]
    write_table(context, _COLUMNS, rows)
