"""The command `backup`: a copy of the whole queue in one file, taken while everything runs."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from typing import IO

from queuectl.commands import arguments
from queuectl.commands.command import Context
from queuectl.commands.wording import counted, size
from queuectl.domain.errors import BackupFailed
from queuectl.domain.text import visible

_STREAM = "-"


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    action = parser.add_argument("file", metavar="FILE", help="where to (-: standard output)")
    arguments.completed(action, "file")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def run(context: Context, args: Namespace) -> int:
    """Take the backup."""
    from queuectl.processes.safekeeping import backup

    if args.file == _STREAM:
        backup.stream_backup(context.queue, _bytes_of(context))
        return 0
    start = time.monotonic()
    taken = backup.write_backup(context.queue, args.file, force=args.force)
    outputs = f" and {counted(taken.transcripts, 'output file')}" if taken.transcripts else ""
    context.say(
        f"Backed up {counted(taken.jobs, 'job')}{outputs} to {visible(args.file)} "
        f"({size(taken.size)}, {time.monotonic() - start:.1f} s)"
    )
    return 0


def _bytes_of(context: Context) -> IO[bytes]:
    if context.out.isatty():
        raise BackupFailed(_STREAM, "standard output is a terminal")
    buffer: IO[bytes] | None = getattr(context.out, "buffer", None)
    if buffer is None:
        raise BackupFailed(_STREAM, "this output takes text only: name a file")
    context.out.flush()
    return buffer
