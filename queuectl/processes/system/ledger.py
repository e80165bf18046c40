"""What a worker has begun: written into its lock file before each start, read after its death."""

from __future__ import annotations

import os
import struct

_ENTRY = struct.Struct("=qq")

Begun = set[tuple[int, int]]


def prepare(descriptor: int, slots: int) -> None:
    """Take the room on disk for `slots`, so that a full disk cannot stop a later `write`."""
    os.pwrite(descriptor, bytes(slots * _ENTRY.size), 0)


def write(descriptor: int, slot: int, row: int, lease: int) -> None:
    """Say that `slot` begins a run; survives the death of the process, not of the machine."""
    os.pwrite(descriptor, _ENTRY.pack(row, lease), slot * _ENTRY.size)


def read(path: str) -> Begun | None:
    """The latest run of each slot, as (row, lease); what a worker held besides was not begun.

    Empty where there is no such file, None where one cannot look, which may hide anything.
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
