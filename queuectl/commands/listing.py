"""Listings of jobs: one page as a table, everything in the other formats."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence

from queuectl.commands import formats, selecting
from queuectl.commands.command import Context
from queuectl.commands.tables import Column, Row, write_table
from queuectl.domain.job import Job
from queuectl.domain.secrets import Secrets
from queuectl.domain.selection import NEWEST_FIRST, Order, Page, Selection

FIRST = 50  # rows of a table, where nothing else is asked for


def write_jobs(context: Context, format: str, jobs: Iterable[Job]) -> None:
    """Write jobs for a program, without their secrets."""
    if format == "ids":
        for job in jobs:
            context.write(f"{job.id}\n")
        return
    secrets = Secrets.of(context.queue.settings())
    records = (secrets.masked(job).as_record() for job in jobs)
    formats.write_records(context, format, records, key="id", fields=formats.JOB_FIELDS)


def write_page(
    context: Context,
    args: Namespace,
    selection: Selection,
    columns: Sequence[Column],
    row: Callable[[Job], Row],
    order: Order = NEWEST_FIRST,
) -> bool:
    """Write the page of jobs that `add_page` options ask for; False for an empty table."""
    page = page_of(args)
    if args.format != "table":
        write_jobs(context, args.format, context.queue.find(selection, order, page))
        return True
    jobs = list(context.queue.find(selection, order, page))
    if jobs:
        write_table(context, columns, map(row, jobs))
        _say_how_many(context, selection, page, len(jobs))
    return bool(jobs)


def page_of(args: Namespace) -> Page:
    """The page that the options ask for."""
    if args.limit is not None:
        return Page(args.limit, args.offset)
    return Page(FIRST if args.format == "table" and not args.all else None, args.offset)


def in_order(context: Context, ids: Sequence[str]) -> Iterator[Job]:
    """The jobs with these ids, in this order, read in portions; those removed are left out."""
    for start in range(0, len(ids), 500):
        part = tuple(ids[start : start + 500])
        found = {job.id: job for job in context.queue.find(Selection(ids=part))}
        yield from (found[job_id] for job_id in part if job_id in found)


def _say_how_many(context: Context, selection: Selection, page: Page, shown: int) -> None:
    if page.limit is None or (shown < page.limit and not page.offset):
        return
    total = selecting.count(context.queue, selection)
    if shown < total:
        first = page.offset + 1
        part = f"{first} to {page.offset + shown}" if page.offset else f"the first {shown}"
        context.say(f"Showing {part} of {total} jobs (--all or --limit N for more)")
