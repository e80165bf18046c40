"""What the files of a folder may look like after the power has gone, at any point of a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from tests.support.recording import (
    Acknowledged,
    Event,
    FolderSynced,
    Made,
    Removed,
    Synced,
    Truncated,
    Written,
)

SECTOR = 512
_CHANCES = (0.1, 0.5, 0.9)
Pending = Written | Truncated


class _File:
    """The bytes of a file that are on disk, and what is on its way there."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.pending: list[Pending] = []

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.kept, change)
        self.pending = []

    def after_loss(self, random: Random) -> bytes:
        """One of the contents that a loss of power may leave."""
        content = bytearray(self.kept)
        for change in _survivors(self.pending, random):
            _apply(content, change)
        return bytes(content)


class Disk:
    """Follows a record, and loses the power where it is told to.

    Names are kept in the order in which they changed, as a journal of a file system has it; bytes
    in none at all, sector by sector, until they are synced.
    """

    def __init__(self) -> None:
        self.acknowledged: int | None = None
        self._files: dict[int, _File] = {}
        self._names: dict[str, int] = {}
        self._pending: list[Made | Removed] = []

    def follow(self, events: Iterable[Event]) -> None:
        """Let some more of a record happen."""
        for event in events:
            match event:
                case Made(file, _):
                    self._files[file] = _File()
                    self._pending.append(event)
                case Removed():
                    self._pending.append(event)
                case Written(file) | Truncated(file):
                    self._files[file].pending.append(event)
                case Synced(file):
                    self._files[file].sync()
                case FolderSynced():
                    self._rename(self._names, self._pending)
                    self._pending = []
                case Acknowledged(number):
                    self.acknowledged = number

    def lose_power(self, folder: Path, random: Random) -> None:
        """Write down what may be left."""
        names = dict(self._names)
        self._rename(names, self._pending[: random.randint(0, len(self._pending))])
        for name, file in names.items():
            (folder / name).write_bytes(self._files[file].after_loss(random))

    def _rename(self, names: dict[str, int], changes: Iterable[Made | Removed]) -> None:
        for change in changes:
            match change:
                case Made(file, name):
                    names[name] = file
                case Removed(name):
                    names.pop(name, None)


def _survivors(pending: Sequence[Pending], random: Random) -> list[Pending]:
    """The changes, whole or in part, that were on disk by chance."""
    match random.choice(("none", "all", "first", "some", "torn", "torn")):
        case "none":
            return []
        case "all":
            return list(pending)
        case "first":
            first = list(pending[: random.randint(0, len(pending))])
            return [*first[:-1], *_torn(first[-1], random, 0.5)] if first else []
        case "some":
            chance = random.choice(_CHANCES)
            return [change for change in pending if random.random() < chance]
        case _:
            chance = random.choice(_CHANCES)
            return [part for change in pending for part in _torn(change, random, chance)]


def _torn(change: Pending, random: Random, chance: float) -> list[Pending]:
    """Those sectors of a change that made it."""
    if isinstance(change, Truncated):
        return [change] if random.random() < chance else []
    parts: list[Pending] = []
    start, end = change.offset, change.offset + len(change.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        if random.random() < chance:
            data = change.data[start - change.offset : stop - change.offset]
            parts.append(Written(change.file, start, data))
        start = stop
    return parts


def _apply(content: bytearray, change: Pending) -> None:
    match change:
        case Written(_, offset, data):
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(data)] = data
        case Truncated(_, size):
            del content[size:]
            content.extend(bytes(size - len(content)))
