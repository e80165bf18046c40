"""Records what SQLite does to the files of a folder: every write, truncation, removal and sync."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import apsw

_numbers = itertools.count()
_KEPT_WITH_ITS_NAME = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL


class Made(NamedTuple):
    """A name now stands for a new, empty file."""

    file: int
    name: str


class Removed(NamedTuple):
    """A name stands for nothing any more."""

    name: str


class Written(NamedTuple):
    """Bytes of a file have changed, or are there at all."""

    file: int
    offset: int
    data: bytes


class Truncated(NamedTuple):
    """A file has this size now."""

    file: int
    size: int


class Synced(NamedTuple):
    """All that was written to a file is on disk."""

    file: int


class FolderSynced(NamedTuple):
    """All that became of names is on disk."""


class Acknowledged(NamedTuple):
    """Somebody was told that something is done; by number, what is true from now on."""

    number: int


Event = Made | Removed | Written | Truncated | Synced | FolderSynced | Acknowledged


class Recorder(apsw.VFS):
    """A file system that hands everything through, and keeps `events`.

    A file that exists when it is first opened counts as made, and is kept with its name. The
    index of a WAL is shared memory, and no part of what survives.
    """

    def __init__(self) -> None:
        self.name = f"recording-{next(_numbers)}"
        self.events: list[Event] = []
        self._files: dict[str, int] = {}
        self._count = itertools.count()
        super().__init__(self.name, "unix")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        if name is None:
            return apsw.VFSFile("unix", None, flags)
        path = name if isinstance(name, str) else name.filename()
        existed = os.path.exists(path)
        keeps_name = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & _KEPT_WITH_ITS_NAME)
        opened = _RecordedFile(self.events, name, flags, keeps_name)
        if path not in self._files or not existed:
            self._files[path] = next(self._count)
            self.events.append(Made(self._files[path], os.path.basename(path)))
            if existed:
                self.events.append(FolderSynced())
        opened.number = self._files[path]
        return opened

    def xDelete(self, name: str, sync_folder: bool) -> None:
        super().xDelete(name, sync_folder)
        self.events.append(Removed(os.path.basename(name)))
        self._files.pop(name, None)
        if sync_folder:
            self.events.append(FolderSynced())


class _RecordedFile(apsw.VFSFile):
    def __init__(
        self,
        events: list[Event],
        name: str | apsw.URIFilename,
        flags: list[int],
        keeps_name: bool,
    ) -> None:
        super().__init__("unix", name, flags)
        self._events, self._keeps_name = events, keeps_name
        self.number = -1

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._events.append(Written(self.number, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        super().xTruncate(size)
        self._events.append(Truncated(self.number, size))

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._events.append(Synced(self.number))
        if self._keeps_name:  # the first sync of a journal or WAL is one of its folder, too
            self._keeps_name = False
            self._events.append(FolderSynced())


@contextmanager
def recorded() -> Iterator[Recorder]:
    """Every connection that is opened inside is recorded."""
    before = apsw.vfs_names()[0]
    recorder = Recorder()
    apsw.set_default_vfs(recorder.name)
    try:
        yield recorder
    finally:
        apsw.set_default_vfs(before)
