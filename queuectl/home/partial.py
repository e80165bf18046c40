"""Files on their way: written under a name of their own, and put in place once they are whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
from types import TracebackType
from typing import Self

_NAME = re.compile(r"\..+\.queuectl-[0-9a-f]{8}")


class Partial:
    """A new private file in a folder, deleted at the end of the context; raises `OSError`.

    Its lock is held meanwhile, so that what a kill has left behind can be told from what is
    being written.
    """

    def __init__(self, folder: str, name: str) -> None:
        self._folder, self._name = folder, name
        self.path = ""
        self.descriptor = -1

    def __enter__(self) -> Self:
        while not self._make():
            pass  # somebody took it for a leftover before it was locked
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        os.close(self.descriptor)

    def _make(self) -> bool:
        name = f".{self._name}.queuectl-{os.urandom(4).hex()}"
        self.path = os.path.join(self._folder, name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self.descriptor = os.open(self.path, flags, 0o600)
        os.fchmod(self.descriptor, 0o600)  # whatever the umask took away
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(self.descriptor).st_nlink:
                return True
        os.close(self.descriptor)
        return False

    def place(self, path: str, *, replace: bool) -> None:
        """Make it the file at `path`, on disk; raises `FileExistsError` unless it may `replace`."""
        os.fsync(self.descriptor)
        if replace:
            os.replace(self.path, path)
        else:
            self._place_anew(path)
        sync_folder(self._folder)

    def _place_anew(self, path: str) -> None:
        try:
            os.link(self.path, path)  # unlike a renaming it never takes the place of another file
        except PermissionError:  # a file system without links
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
            os.rename(self.path, path)


def sync_folder(path: str) -> None:
    """Bring the names in a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leftovers(folder: str) -> list[str]:
    """Files in a folder that were on their way when their writer was killed."""
    names = sorted(name for name in os.listdir(folder) if _NAME.fullmatch(name))
    return [path for name in names if _is_abandoned(path := os.path.join(folder, name))]


def remove_leftovers(folder: str) -> None:
    """Delete what `leftovers` names, as far as that is allowed."""
    for path in leftovers(folder):
        with contextlib.suppress(OSError):
            os.unlink(path)


def _is_abandoned(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # gone, or another user's
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
