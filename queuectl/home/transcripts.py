"""Transcripts of attempts as files: read while they grow, removed with their job."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable

from queuectl.domain.transcript import Frame, decode, encode
from queuectl.failpoints import reach
from queuectl.home.folder import Home

ROWS = 1000  # whose transcripts share a folder
_NAME = r"([0-9]{1,18})\.([0-9]{1,18})(?:\.[oe][0-9]+)?"


class Follower:
    """Reads the transcript of one attempt again and again, giving each frame once, in order."""

    def __init__(self, home: Home, row: int, lease: int) -> None:
        self._path = home.output(row, lease)
        self._last = -1
        self._read: dict[tuple[str, int], int] = {}  # (path, inode) to bytes taken

    def new_frames(self) -> list[Frame]:
        """The frames that came since the last call."""
        frames: dict[int, Frame] = {}
        for path in _files(self._path):
            with contextlib.suppress(FileNotFoundError):
                for frame in self._fresh(path):
                    if frame.number > self._last:
                        frames[frame.number] = frame
        if frames:
            self._last = max(frames)
        return [frames[number] for number in sorted(frames)]

    def _fresh(self, path: str) -> list[Frame]:
        with open(path, "rb") as file:
            # At its end a transcript is put together anew, in a file with another inode.
            key = (path, os.fstat(file.fileno()).st_ino)
            file.seek(self._read.get(key, 0))
            frames = list(decode(file.read()))
        self._read[key] = self._read.get(key, 0) + sum(len(encode(frame)) for frame in frames)
        return frames


def read(home: Home, row: int, lease: int) -> list[Frame]:
    """All frames kept in files for an attempt, in order of arrival."""
    return Follower(home, row, lease).new_frames()


def whole(home: Home, row: int, lease: int, kept: bytes) -> list[Frame]:
    """All frames of an attempt, of which the store has `kept`, in order of arrival.

    Where a full disk did not take all of a long output, some stand in files and the others in
    the store.
    """
    frames = {frame.number: frame for frame in (*read(home, row, lease), *decode(kept))}
    return [frames[number] for number in sorted(frames)]


def remove(home: Home, runs: Iterable[tuple[int, int]]) -> None:
    """Delete the files of these attempts, given as (row, lease), where there are any."""
    wanted = set(runs)
    for folder in {row // ROWS for row, _ in wanted}:
        with contextlib.suppress(OSError):  # what cannot be looked at now is swept later
            _unlink(home, folder, wanted)
    reach("files removed")


def _unlink(home: Home, folder: int, runs: set[tuple[int, int]]) -> None:
    for name, run in names_in(home, folder).items():
        if run in runs:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(home.outputs, str(folder), name))


def folders(home: Home) -> list[int]:
    """The numbers of all folders of transcripts, ascending."""
    return sorted(int(name) for name in _names(home.outputs) if name.isdecimal())


def names_in(home: Home, folder: int) -> dict[str, tuple[int, int]]:
    """The files of transcripts in a folder, with the row and lease that each belongs to."""
    found = {}
    for name in _names(os.path.join(home.outputs, str(folder))):
        run = run_of(name)
        if run is not None and run[0] // ROWS == folder:
            found[name] = run
    return found


def run_of(name: str) -> tuple[int, int] | None:
    """The row and lease that a file belongs to by its name, if it is one of a transcript."""
    match = re.fullmatch(_NAME, name)
    return (int(match[1]), int(match[2])) if match else None


def drop_folder(home: Home, folder: int) -> None:
    """Delete a folder, if it is empty."""
    with contextlib.suppress(OSError):
        os.rmdir(os.path.join(home.outputs, str(folder)))


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _files(path: str) -> list[str]:
    # `glob` would keep the compiled pattern of each of the last 32,768 paths for good.
    folder, name = os.path.split(path)
    names = [each for each in _names(folder) if each == name or each.startswith(f"{name}.")]
    return [os.path.join(folder, each) for each in names]
