"""The command `test`: checks of the installation by name, or the list of names."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.checking import run_named
from queuectl.commands.command import Context
from queuectl.commands.tables import Column, write_table

MEANINGS = {
    "test_deliverables": "the core promises: enqueue, workers, retries, DLQ, persistence, config",
    "test_bonus_features": "what there is besides: timeouts, priorities, schedules, scripts, …",
    "test_worker": "workers: start, work side by side, stop",
    "test_enqueue": "what goes in, and what is refused",
    "test_list": "lists, filters and formats",
    "test_status": "counts of jobs and workers",
    "test_config": "settings",
    "test_dlq": "retries and the dead letter queue",
    "test_metrics": "figures about what ran",
    "test_all": "everything, like verify_all",
}
_COLUMNS = (Column("Name"), Column("Checks", flexible=True))


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    parser.add_argument(
        "test", nargs="?", choices=tuple(MEANINGS), metavar="NAME", help="what to check"
    )


def run(context: Context, args: Namespace) -> int:
    """Run the checks, or say which there are."""
    if args.test is not None:
        return run_named(context, args.test)
    write_table(context, _COLUMNS, list(MEANINGS.items()))
    return 0
