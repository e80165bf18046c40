"""The command `verify_all`: checks of everything there is a check for."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace

from queuectl.commands.arguments import duration, whole_number
from queuectl.commands.chaos import run_chaos
from queuectl.commands.checking import run_named
from queuectl.commands.command import Context
from queuectl.commands.failures import UsageError

_SECONDS = 60.0
_SEEDS = 1_000_000


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    parser.add_argument(
        "--chaos",
        action="store_true",
        help="kill and stop processes of throw-away queues, and hold what happens to every promise",
    )
    parser.add_argument(
        "--seconds", type=duration("--seconds"), metavar="D", help="how long the kills go on (60)"
    )
    parser.add_argument(
        "--seed", type=whole_number("--seed", 0), metavar="N", help="which kills (random)"
    )


def run(context: Context, args: Namespace) -> int:
    """Run the checks, or storms."""
    if args.chaos:
        seconds = _SECONDS if args.seconds is None else args.seconds
        seed = time.time_ns() % _SEEDS if args.seed is None else args.seed
        return run_chaos(context, seconds, seed)
    if args.seconds is not None or args.seed is not None:
        raise UsageError("--seconds and --seed go with --chaos", "verify_all [--chaos]")
    return run_named(context, "test_all")
