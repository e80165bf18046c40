"""The command `restore`: a queue out of a backup."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from queuectl.commands import arguments
from queuectl.commands.command import Context
from queuectl.commands.wording import counted
from queuectl.domain.errors import BackupUnusable
from queuectl.domain.text import visible

_STREAM = "-"


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    action = parser.add_argument("file", metavar="FILE", help="a backup (-: standard input)")
    arguments.completed(action, "file")
    parser.add_argument(
        "--force", action="store_true", help="replace the jobs that are there, or a damaged store"
    )


def run(context: Context, args: Namespace) -> int:
    """Put the backup in place."""
    from queuectl.home.folder import Home
    from queuectl.processes.safekeeping.restore import restore

    with _opened(args.file) as source:
        context.app.close()  # whoever goes on afterwards opens what was restored
        place = context.app.place
        restored = restore(Home(place.home), place.store, source, args.file, force=args.force)
    context.say(f"Restored {counted(restored.jobs, 'job')} from the backup of {restored.taken_at}")
    if restored.lost:
        were = "was" if restored.lost == 1 else "were"
        context.say(
            f"{counted(restored.lost, 'job')} {were} running then, with an end that nobody knows: "
            "it counts as a failed attempt"
        )
    if restored.aside is not None:
        context.say(f"The damaged store was moved to {visible(restored.aside)}")
    return 0


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == _STREAM:
        if sys.stdin is None:
            raise BackupUnusable(name, "standard input is closed")
        yield sys.stdin.buffer
        return
    try:
        file = open(name, "rb")  # noqa: SIM115
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BackupUnusable(name, reason) from None
    with file:
        yield file
