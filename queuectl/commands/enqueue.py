"""The command `enqueue`: one job from words or JSON, or a batch from a file or a pipe."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from queuectl.commands import arguments
from queuectl.commands.command import Context
from queuectl.commands.wishes import Checker, add_job_options, was_json, wish_of
from queuectl.domain.errors import BadLine, IdTaken, InvalidInput
from queuectl.domain.job import JobSpec
from queuectl.stores.exchange import Added

if TYPE_CHECKING:
    from queuectl.commands.batches import Batch

_USAGE = "%(prog)s [OPTIONS] (JSON | - | 'SHELL LINE' | [--] CMD ARG ...)"


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    parser.usage = _USAGE
    add_job_options(parser)
    file = parser.add_argument("--file", metavar="F", help="read jobs from a file (- for stdin)")
    arguments.completed(file, "file")
    parser.add_argument("--lines", action="store_true", help="each line read is a shell line")
    parser.add_argument(
        "--template", metavar="LINE", help="each line read goes quoted into {} of a shell line"
    )
    parser.add_argument(
        "--on-conflict",
        choices=("error", "skip"),
        default="error",
        help="what to do with ids that exist (default: error)",
    )
    parser.add_argument("--wait", action="store_true", help="wait until the jobs have ended")
    arguments.add_format(parser)
    arguments.add_job_words(parser)


def run(context: Context, args: Namespace) -> int:
    """Enqueue."""
    source = _source(args)
    check = Checker(context.queue, args)
    wish: Any = None if source is not None else wish_of(args.words)
    if source is None and not isinstance(wish, list):
        if was_json(args.words):
            context.warn("this looks like JSON that sh took apart: put it in single quotes")
        return _add_one(context, args, check(wish))
    from queuectl.commands.batches import batch_of, read_batch

    batch = batch_of(wish, check) if source is None else read_batch(args, source, check)
    return _add_batch(context, args, batch)


def _source(args: Namespace) -> str | None:
    """Where a batch is read from, None where the words are the job; raises `InvalidInput`."""
    reads = args.words == ["-"]
    if args.file is not None and args.words:
        raise InvalidInput("--file and words exclude each other: give one of them")
    if args.file is None and not args.words:
        raise InvalidInput("nothing to enqueue: give a shell line, -- CMD, JSON, - or --file F")
    source = args.file if args.file is not None else "-" if reads else None
    if source is None and (args.lines or args.template is not None):
        option = "--lines" if args.lines else "--template"
        raise InvalidInput(f"{option} needs lines to read: give - or --file F")
    if args.words == ["--"]:
        raise InvalidInput("nothing to enqueue: give a program after --")
    return source


def _add_one(context: Context, args: Namespace, spec: JobSpec) -> int:
    try:
        added = context.queue.add([spec], skip_taken=args.on_conflict == "skip")
    except BadLine as error:
        raise error.cause from None
    if args.format != "table":
        _write(context, args.format, added)
    elif added.jobs:
        job_id, state = added.jobs[0]
        context.say(f"Enqueued job '{job_id}' ({state})")
    else:
        context.say(f"Skipped: {IdTaken(spec.id or '')}")
    return _ended(context, args, added)


def _add_batch(context: Context, args: Namespace, batch: Batch) -> int:
    if args.id is not None and len(batch.specs) > 1:
        raise InvalidInput(f"--id names one job, and there are {len(batch.specs)}")
    try:
        added = context.queue.add(batch.specs, skip_taken=args.on_conflict == "skip")
    except BadLine as error:
        raise batch.blame(error) from None
    if args.format != "table":
        _write(context, args.format, added)
    else:
        skipped = f", skipped {added.skipped} whose id exists" if added.skipped else ""
        plural = "" if len(added.jobs) == 1 else "s"
        context.say(f"Enqueued {len(added.jobs)} job{plural}{skipped}")
    return _ended(context, args, added)


def _write(context: Context, format: str, added: Added) -> None:
    if format == "ids":
        context.write("".join(f"{job_id}\n" for job_id, _ in added.jobs))
        return
    from queuectl.commands.listing import in_order, write_jobs

    write_jobs(context, format, in_order(context, [job_id for job_id, _ in added.jobs]))


def _ended(context: Context, args: Namespace, added: Added) -> int:
    if not args.wait or not added.jobs:
        return 0
    context.out.flush()
    from queuectl.commands.waiting import wait_for

    return wait_for(context, [job_id for job_id, _ in added.jobs])
