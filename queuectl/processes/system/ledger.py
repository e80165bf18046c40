"""What a worker has begun: written into its lock file before each start, read after its death."""

from __future__ import annotations

import os
import struct

_ENTRY = struct.Struct("=qq")
_ROOM = 8  # entries a slot: jobs that have ended wait here until their end is in the store

Begun = set[tuple[int, int]]


class Ledger:
    """Entries for the runs that have begun, each kept until the end of its run is recorded.

    What it says survives the death of the process, not of the machine.
    """

    def __init__(self, descriptor: int, slots: int) -> None:
        self._descriptor = descriptor
        self._free = list(range(slots * _ROOM))
        self._places: dict[tuple[int, int], int] = {}
        self._size = len(self._free)
        os.ftruncate(descriptor, 0)
        # Room on disk now, so that a full one cannot stop a later entry.
        os.pwrite(descriptor, bytes(self._size * _ENTRY.size), 0)

    def begin(self, row: int, lease: int) -> None:
        """Say that a run begins; raises `OSError` where there is no room for it."""
        if not self._free:
            self._free.append(self._size)
            self._size += 1
        place = self._free[-1]
        os.pwrite(self._descriptor, _ENTRY.pack(row, lease), place * _ENTRY.size)
        self._places[row, lease] = self._free.pop()

    def settle(self, row: int, lease: int) -> None:
        """The end of a run is in the store, or it did not begin after all."""
        place = self._places.pop((row, lease), None)
        if place is not None:
            self._free.append(place)


def read(path: str) -> Begun | None:
    """The runs begun and not settled, as (row, lease), besides some that are settled.

    What a worker held besides was not begun. Empty where there is no such file, None where one
    cannot look, which may hide anything.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return set()
    except OSError:
        return None
    whole = len(data) // _ENTRY.size * _ENTRY.size
    return {entry for entry in _ENTRY.iter_unpack(data[:whole]) if entry[0]}
