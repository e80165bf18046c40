"""The one place where an error becomes a line for the person and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TextIO

from queuectl.domain.errors import InvalidInput, QueuectlError
from queuectl.domain.text import visible
from queuectl.home import private
from queuectl.home.folder import locate

INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE, what a shell reports of a program that such a pipe ended
_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class UsageError(InvalidInput):
    """The words of a command do not follow its grammar; `usage` is the short form that does."""

    def __init__(self, message: str, usage: str) -> None:
        self.usage = usage
        super().__init__(message)


def report(error: QueuectlError, err: TextIO) -> int:
    """Write the error as its one line, a usage error with the usage; the exit code."""
    err.write(f"queuectl: error: {visible(str(error))}\n")
    if isinstance(error, UsageError):
        err.write(f"usage: {error.usage}\n")
    return error.exit_code


def report_system(error: OSError, err: TextIO) -> int:
    """Write what the operating system refused; the exit code."""
    reason = error.strerror or str(error)
    if error.filename is not None:
        reason = f"{error.filename}: {reason}"
    elif error.errno in _OF_WRITING:
        reason = f"cannot write output: {reason}"
    err.write(f"queuectl: error: {visible(reason)}\n")
    return 1


def report_internal(error: Exception, err: TextIO, home: str | None) -> int:
    """Write a line about an error of ours, its traceback to `errors.log` in the home."""
    told = visible(f"{type(error).__name__}: {error}")
    kept = _keep_traceback(error, home)
    where = f" (details: {visible(kept)})" if kept else ""
    err.write(f"queuectl: error: internal error: {told}{where}\n")
    return 1


def _keep_traceback(error: Exception, home: str | None) -> str | None:
    import traceback  # slow to import, and hopefully never needed

    with contextlib.suppress(OSError, QueuectlError):
        path = os.path.join(locate(home, os.environ), "errors.log")
        descriptor = private.open_file(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with open(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("".join(traceback.format_exception(error)) + "\n")
        return path
    return None
