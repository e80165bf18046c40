"""Files and folders that only their owner can use, whatever the umask of who makes them."""

from __future__ import annotations

import os

_TRIES = 10


def open_file(path: str, flags: int) -> int:
    """A descriptor of the file at `path`, which is made (0600) where `flags` have `O_CREAT`.

    Not inherited by programs. Raises `OSError`; usable as the `opener` of `open`.
    """
    flags |= os.O_CLOEXEC
    if not flags & os.O_CREAT:
        return os.open(path, flags)
    for _ in range(_TRIES):
        try:
            return os.open(path, flags & ~os.O_CREAT)
        except FileNotFoundError:
            pass
        try:
            return _made(path, flags | os.O_EXCL)
        except FileExistsError as error:  # somebody else was faster, or it is a link to nothing
            failure = error
    raise failure


def _made(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)  # a umask may have taken rights of the owner, too
    return descriptor


def make_folders(path: str) -> None:
    """Make the folder at `path` and those above it that are missing (0700); raises `OSError`."""
    missing = []
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:  # somebody else was faster
            continue
        os.chmod(folder, 0o700)


def make_fifo(path: str) -> None:
    """Make a FIFO (0600) unless there is something of that name; raises `OSError`."""
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        return
    os.chmod(path, 0o600)
