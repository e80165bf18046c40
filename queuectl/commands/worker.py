"""The command `worker`: start, stop and look at the processes that run jobs."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from queuectl.commands import arguments, formats
from queuectl.commands.command import Context
from queuectl.commands.failures import INTERRUPTED
from queuectl.commands.presence import living_workers, orphans
from queuectl.commands.tables import Column, write_table
from queuectl.commands.wording import seconds
from queuectl.domain.errors import ProcessFailed
from queuectl.domain.fleet import Worker, WorkerStatus
from queuectl.domain.spec import check_name
from queuectl.queue import JobQueue

if TYPE_CHECKING:
    from queuectl.commands.progress import Progress

_COLUMNS = (
    Column("Worker ID"),
    Column("PID", right=True),
    Column("Status"),
    Column("Current Job", flexible=True),
)
FIELDS = ("id", "pid", "host", "status", "jobs", "processed", "started_at")


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _configure_start(actions.add_parser("start", help="start workers"))
    stop = actions.add_parser("stop", help="stop workers; all of this home, where none is named")
    named = stop.add_argument("workers", metavar="WORKER", nargs="*", help="id of a worker")
    arguments.completed(named, "worker")
    stop.add_argument("--now", action="store_true", help="do not wait for running commands")
    arguments.add_format(actions.add_parser("status", help="show workers and what they do"))


def _configure_start(parser: ArgumentParser) -> None:
    count, slots = (
        arguments.whole_number("--count", 1, 1_000),
        arguments.whole_number("--slots", 1, 10_000),
    )
    parser.add_argument("--count", type=count, default=1, metavar="N", help="workers (default: 1)")
    parser.add_argument(
        "--slots", type=slots, default=1, metavar="M", help="commands at once in each (default: 1)"
    )
    lane = parser.add_argument(
        "--queue", action="append", default=[], metavar="Q", help="only jobs in this queue"
    )
    arguments.completed(lane, "queue")
    manner = parser.add_mutually_exclusive_group()
    manner.add_argument("--foreground", action="store_true", help="stay here until stopped")
    manner.add_argument("--detach", action="store_true", help="no view and no questions")
    parser.add_argument("--drain", action="store_true", help="stop once there is nothing to do")


def run(context: Context, args: Namespace) -> int:
    """Do what the action says."""
    match args.action:
        case "start":
            args.queue = [check_name("queue", name) for name in args.queue]
            return _run_here(context, args) if args.foreground else _start(context, args)
        case "stop":
            return _stop(context, args)
        case _:
            return _status(context, args)


def _start(context: Context, args: Namespace) -> int:
    from queuectl.commands.monitoring import monitor
    from queuectl.commands.progress import Progress
    from queuectl.processes import control

    # Made before the workers are there, who may be done with a job before they are announced.
    progress = Progress(context) if context.interactive and not args.detach else None
    context.say(f"Starting {args.count} worker processes...")
    context.out.flush()
    workers = control.start_workers(
        context.queue, args.count, args.slots, args.queue, drain=args.drain
    )
    for worker in workers:
        context.say(f"✓ Started worker {worker.id} (PID: {worker.pid})")
    context.out.flush()
    if args.drain:
        return _await_drain(context, workers, progress)
    if progress is not None and not monitor(context, workers, progress):
        return _stop_again(context, workers)
    return 0


def _stop_again(context: Context, workers: list[Worker]) -> int:
    from queuectl.processes import control

    started = [worker.id for worker in workers]
    are_all = {worker.id for worker in control.own_workers(context.queue)} <= set(started)
    # Without names the supervisor ends, too: it is of no use without workers.
    return _stop(context, Namespace(workers=[] if are_all else started, now=False))


def _await_drain(context: Context, workers: list[Worker], progress: Progress | None) -> int:
    from queuectl.processes import control

    look = progress.look if progress is not None else lambda: None
    try:
        control.await_stop(context.queue, [worker.id for worker in workers], look)
    except KeyboardInterrupt:
        context.say("\nThe workers go on until nothing is left to do (worker stop ends them)")
        return INTERRUPTED
    ends = [context.queue.store.worker(worker.id) for worker in workers]
    if not all(end.status is WorkerStatus.STOPPED and end.desired.stops for end in ends):
        raise ProcessFailed("the workers were gone before all jobs were done")
    context.say("✓ All jobs are done, workers stopped")
    return 0


def _run_here(context: Context, args: Namespace) -> int:
    from queuectl.processes import control

    queue = context.queue
    if queue.supervisor() is not None:
        raise ProcessFailed("a supervisor runs in the background: end it first (worker stop)")
    argv = control.foreground_argv(queue, args.count, args.slots, args.queue, drain=args.drain)
    environment = control.foreground_environment(queue)
    context.say(f"Starting {args.count} worker processes...")
    context.out.flush()
    if not context.in_shell:
        context.app.close()
        os.execve(argv[0], argv, environment)
    return _run_as_child(argv, environment)


def _run_as_child(argv: list[str], environment: dict[str, str]) -> int:
    import subprocess

    process = subprocess.Popen(argv, env=environment)
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue  # the terminal has told the child, too; it stops gracefully
        return code if code >= 0 else 128 - code


def _stop(context: Context, args: Namespace) -> int:
    from queuectl.processes import control

    names = list(dict.fromkeys(args.workers))
    now = args.now or _is_stopping(context.queue, names)
    watch = control.Watch(context.queue)
    if not control.stop_workers(context.queue, names, now=now, watch=watch):
        context.say("No workers are running")
        return 0
    try:
        control.await_stop(context.queue, names, watch=watch)
    except KeyboardInterrupt:
        context.say("\nStill stopping in the background (worker status shows what is left)")
        return INTERRUPTED
    if names:
        for name in names:
            context.say(f"✓ Worker {name} stopped")
    else:
        forced = now or watch.ended
        context.say("✓ All workers stopped" + ("" if forced else " gracefully"))
    return 0


def _is_stopping(queue: JobQueue, names: list[str]) -> bool:
    """Whether this is a second stop, with which a person says that it has lasted too long."""
    from queuectl.processes import control

    workers = control.own_workers(queue) if not names else queue.workers()
    workers = [worker for worker in workers if not names or worker.id in names]
    return bool(workers) and all(worker.desired.stops for worker in workers)


def _status(context: Context, args: Namespace) -> int:
    workers = living_workers(context.queue) + orphans(context.queue)
    jobs: dict[str, list[str]] = {worker.id: [] for worker in workers}
    for holding in context.queue.holdings() if workers else ():
        jobs.setdefault(holding.worker, []).append(holding.id)
    records = [_record(worker, jobs[worker.id]) for worker in workers]
    totals = _totals(context.queue, workers)
    if args.format == "table":
        _write_for_a_person(context, records, totals)
    elif args.format == "json":
        formats.write_record(context, "json", {"workers": records, **totals})
    else:
        formats.write_records(context, args.format, records, key="id", fields=FIELDS)
    return 0


def _record(worker: Worker, jobs: list[str]) -> dict[str, Any]:
    # Who runs what is known by the runs; a row of a worker need not be written for each.
    idle_but_busy = jobs and worker.status is WorkerStatus.IDLE
    status = WorkerStatus.BUSY if idle_but_busy else worker.status
    return worker._replace(status=status).as_record(jobs)


def _totals(queue: JobQueue, workers: list[Worker]) -> dict[str, Any]:
    # Of all workers since the supervisors started, those that were stopped meanwhile included.
    supervisors = {worker.supervisor for worker in workers}
    if mine := queue.supervisor():
        supervisors.add(mine.id)
    done = [queue.store.work_done(supervisor) for supervisor in supervisors]
    processed, busy = sum(count for count, _ in done), sum(seconds for _, seconds in done)
    return {
        "active": len(workers),
        "processed": processed,
        "average_seconds": busy / processed if processed else None,
    }


def _write_for_a_person(
    context: Context, records: list[dict[str, Any]], totals: dict[str, Any]
) -> None:
    rows = [
        (each["id"], str(each["pid"] or "-"), each["status"], ", ".join(each["jobs"]) or "-")
        for each in records
    ]
    if rows:
        write_table(context, _COLUMNS, rows)
    context.write(
        f"Active Workers: {totals['active']} | Total Jobs Processed: {totals['processed']} | "
        f"Average Processing Time: {seconds(totals['average_seconds'])}\n"
    )
