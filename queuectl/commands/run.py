"""The command `run`: enqueue one job, follow it, and exit with its code."""

from __future__ import annotations

import contextlib
from argparse import ArgumentParser, Namespace

from queuectl.commands import arguments
from queuectl.commands.command import Context
from queuectl.commands.failures import INTERRUPTED
from queuectl.commands.following import Following
from queuectl.commands.presence import warn_if_nobody_works
from queuectl.commands.printing import Printer
from queuectl.commands.waiting import TIMED_OUT
from queuectl.commands.wishes import Checker, add_job_options, wish_of
from queuectl.domain.errors import BadLine, InvalidInput, WrongState
from queuectl.domain.job import Job, JobSpec
from queuectl.domain.lifecycle import End, State
from queuectl.domain.text import visible
from queuectl.queue import JobQueue

# As a shell says it.
_NO_SUCH_PROGRAM, _KILLED = 127, 137


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    parser.usage = "%(prog)s [OPTIONS] (-- CMD ARG ... | 'SHELL LINE' | JSON)"
    add_job_options(parser)
    parser.add_argument("--raw", action="store_true", help="output as it was, also on a terminal")
    arguments.add_job_words(parser)


def run(context: Context, args: Namespace) -> int:
    """Enqueue, follow, and give the command's own code back."""
    job = context.queue.get(_enqueue(context, _spec(context, args)))
    warn_if_nobody_works(context)
    printer = Printer(context, raw=args.raw, split=True)
    following = Following(context.queue, job)
    try:
        job = following.show(printer)
    except KeyboardInterrupt:
        _cancel(context.queue, following, printer)
        return INTERRUPTED
    finally:
        printer.close()
    return exit_code(context, job)


def exit_code(context: Context, job: Job) -> int:
    """What a shell would have got from the command; says why, where there was none to get."""
    if job.state is State.COMPLETED:
        return 0
    last = context.queue.run(job)
    if last is None or last.end is End.CANCELLED or job.state is State.CANCELLED:
        context.warn(f"job '{job.id}' was cancelled")
        return INTERRUPTED
    if last.end is End.EXITED:
        return last.exit_code or 1
    context.warn(f"job '{job.id}' {job.state}: {visible(job.error or str(last.end))}")
    if last.end is End.TIMED_OUT:
        return TIMED_OUT
    if last.end is End.NOT_STARTED:
        return _NO_SUCH_PROGRAM
    if last.end is End.OUT_OF_MEMORY:
        return _KILLED
    return 128 + last.signal if last.signal else 1


def _spec(context: Context, args: Namespace) -> JobSpec:
    if args.words in ([], ["--"], ["-"]):
        raise InvalidInput("nothing to run: give -- CMD, a shell line or JSON")
    wish = wish_of(args.words)
    if isinstance(wish, list):
        raise InvalidInput("run takes one job, not an array")
    if isinstance(wish, dict):
        wish.setdefault("max_retries", 0)
    return Checker(context.queue, args)(wish)


def _enqueue(context: Context, spec: JobSpec) -> str:
    try:
        return context.queue.add([spec]).jobs[0][0]
    except BadLine as error:
        raise error.cause from None


def _cancel(queue: JobQueue, following: Following, printer: Printer) -> None:
    """Cancel and stay for the end; a second Ctrl-C leaves at once."""
    with contextlib.suppress(WrongState):  # it may have ended by itself meanwhile
        queue.cancel(following.job.id)
    following.show(printer)
