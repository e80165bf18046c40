"""The lines typed into the shells of a home, kept in one file that all of them append to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence

from cmd2.history import History, HistoryItem
from prompt_toolkit.history import InMemoryHistory

from queuectl.home import private
from queuectl.shell.statements import ShellStatement

MOST_LINES = 10_000
# Writing the file anew at every start would be waste: it may grow by this much before.
SLACK = 1_000


class HistoryFile:
    """One line of text for each entry, oldest first; `\\` and newlines in it are escaped.

    Every entry is written when it is typed, under a lock, so that neither another shell nor a
    kill loses it. Where the file cannot be used, the history lasts as long as the shell.
    """

    def __init__(self, path: str, most: int = MOST_LINES, slack: int = SLACK) -> None:
        self._path, self._most, self._slack = path, most, slack

    def load(self) -> list[str]:
        """The latest entries, oldest first; shortens a file that has grown too long."""
        with contextlib.suppress(OSError), self._locked(make=False) as descriptor:
            lines = _read(descriptor)
            if len(lines) > self._most + self._slack:
                self._replace(lines[-self._most :])
            return [_decode(line) for line in lines[-self._most :]]
        return []

    def append(self, entry: str) -> None:
        """Add the entry that was typed last."""
        with contextlib.suppress(OSError), self._locked() as descriptor:
            os.write(descriptor, _encode(entry))

    def clear(self) -> None:
        """Forget everything."""
        with contextlib.suppress(OSError), self._locked(make=False) as descriptor:
            os.ftruncate(descriptor, 0)

    @contextlib.contextmanager
    def _locked(self, *, make: bool = True) -> Iterator[int]:
        descriptor = self._open(os.O_CREAT if make else 0)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, make: int) -> int:
        flags = os.O_RDWR | os.O_APPEND | make
        while True:
            descriptor = private.open_file(self._path, flags)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
            # Another shell may have put a shorter file in its place while this one waited.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(found, os.stat(self._path)):
                    return descriptor
            os.close(descriptor)

    def _replace(self, lines: Sequence[bytes]) -> None:
        shorter = f"{self._path}.new"
        descriptor = private.open_file(shorter, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with open(descriptor, "wb") as file:
            file.writelines(line + b"\n" for line in lines)
            file.flush()
            os.fsync(descriptor)
        os.rename(shorter, self._path)


class TypedLines(InMemoryHistory):
    """What the arrow keys and Ctrl-R of prompt_toolkit go through, backed by the file.

    A line that begins with a blank is kept for this shell only, as in other shells.
    """

    def __init__(self, file: HistoryFile) -> None:
        super().__init__(file.load())
        self._file = file

    def store_string(self, string: str) -> None:
        """Keep a line that was typed."""
        super().store_string(string)
        if not string[:1].isspace():
            self._file.append(string)

    def clear(self) -> None:
        """Forget everything."""
        self._storage.clear()
        self._loaded_strings.clear()
        self._file.clear()

    def entries(self) -> list[str]:
        """Everything that can be called up again, oldest first."""
        return list(self._storage)


def as_items(entries: Sequence[str]) -> History:
    """The entries in the form that cmd2's `history` command works on."""
    return History(HistoryItem(_unparsed(entry)) for entry in entries)


def _unparsed(entry: str) -> ShellStatement:
    # Parsing thousands of lines would take seconds, and only to show expanded aliases.
    command, _, arguments = entry.strip().partition(" ")
    return ShellStatement(arguments.strip(), raw=entry, command=command)


def _read(descriptor: int) -> list[bytes]:
    with open(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return file.read().split(b"\n")[:-1]


def _encode(entry: str) -> bytes:
    text = entry.replace("\\", "\\\\").replace("\n", "\\n")
    return text.encode(errors="surrogateescape") + b"\n"


def _decode(line: bytes) -> str:
    parts = line.decode(errors="surrogateescape").split("\\\\")
    return "\\".join(part.replace("\\n", "\n") for part in parts)
