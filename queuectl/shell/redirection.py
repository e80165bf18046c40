"""Sends the output of one line into a program (`|`) or a file (`>`, `>>`)."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import TextIO, cast

from cmd2 import Statement

from queuectl.domain.errors import QueuectlError
from queuectl.domain.text import quoted_path
from queuectl.shell.statements import redirected_file

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Unwritable(QueuectlError):
    """The file behind `>` cannot be written."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(f"cannot write {quoted_path(path)}: {error.strerror}")


class Output:
    """Where a line writes to: `stream`, and the exit code of the program behind it, if any."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.exit_code = 0


@contextlib.contextmanager
def redirected(statement: Statement, stdout: TextIO) -> Iterator[Output]:
    """The output of a statement; at the end it is closed and the program behind it waited for.

    A program that no longer reads is not a failure: `BrokenPipeError` ends here. Raises
    `Unwritable`, and `KeyboardInterrupt` where Ctrl-C ended the program.
    """
    match statement.redirector:
        case "|":
            with _piped(statement.redirect_to, stdout) as output:
                yield output
        case ">" | ">>":
            with _written(redirected_file(statement), statement.redirector) as output:
                yield output
        case _:
            yield Output(stdout)
            stdout.flush()


@contextlib.contextmanager
def _written(path: str, operator: str) -> Iterator[Output]:
    path = os.path.expanduser(path)
    mode = "a" if operator == ">>" else "w"
    try:
        file = cast("TextIO", open(path, mode, encoding="utf-8", errors="surrogateescape"))  # noqa: SIM115
    except OSError as error:
        raise Unwritable(path, error) from error
    try:
        with file:
            yield Output(file)
    except OSError as error:
        if error.errno in _FULL:
            raise Unwritable(path, error) from error
        raise


@contextlib.contextmanager
def _piped(line: str, stdout: TextIO) -> Iterator[Output]:
    # The program stays in our process group: so it may use the terminal, and Ctrl-C reaches it.
    stdout.flush()
    program = subprocess.Popen(
        ["/bin/sh", "-c", line],
        stdin=subprocess.PIPE,
        stdout=_descriptor(stdout),
        encoding="utf-8",
        errors="surrogateescape",
    )
    output = Output(cast("TextIO", program.stdin))
    try:
        with contextlib.suppress(BrokenPipeError):
            yield output
    finally:
        with contextlib.suppress(BrokenPipeError):
            output.stream.close()
        output.exit_code = _exit_code_of(program)


def run_program(line: str, stdout: TextIO, *, may_read: bool) -> int:
    """Run a line of sh and wait for it; its exit code. `KeyboardInterrupt` if Ctrl-C ended it.

    Unless it `may_read` our standard input it gets an empty one.
    """
    stdout.flush()
    stdin = None if may_read else subprocess.DEVNULL
    argv = ["/bin/sh", "-c", line]
    return _exit_code_of(subprocess.Popen(argv, stdin=stdin, stdout=_descriptor(stdout)))


def _exit_code_of(program: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
    with _interrupts_ignored():
        code = program.wait()
    if code == -signal.SIGINT:
        raise KeyboardInterrupt
    return 128 - code if code < 0 else code


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except OSError:  # a stream in memory
        return None


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    # Ctrl-C is for the program: less stays, and what dies of it says so by its exit.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
