"""Records the output of one run: in memory while short, then in a file, head and tail kept."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Sequence

from queuectl.domain.transcript import STDERR, STDOUT, Frame, decode, encode, gap
from queuectl.failpoints import reach
from queuectl.home import private

INLINE = 64 * 1024
_LAST_WORDS = 4096
_SEGMENTS = 4


class _Tail:
    """The latest output of one stream past its head, in a ring of segment files."""

    def __init__(self, path: str, stream: bytes, budget: int) -> None:
        self._path, self._stream, self._budget = path, stream, budget
        self._segments: deque[tuple[str, int]] = deque()
        self._made = 0
        self._missing = 0
        self._first_number = 0

    def append(self, frame: Frame) -> None:
        self._first_number = self._first_number or frame.number
        if not self._segments or self._segments[-1][1] >= max(1, self._budget // _SEGMENTS):
            self._made += 1
            self._segments.append((f"{self._path}.{self._stream.decode()}{self._made}", 0))
        path, size = self._segments[-1]
        if _append(path, [frame]):
            self._segments[-1] = (path, size + len(frame.payload))
        else:
            self._missing += len(frame.payload)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while sum(size for _, size in self._segments) - self._segments[0][1] >= self._budget:
            path, size = self._segments.popleft()
            self._missing += size
            _unlink(path)

    def frames(self) -> list[Frame]:
        """A gap, if anything is missing, and the frames after it, at most the budget.

        Raises `OSError` where a segment cannot be read.
        """
        kept = [frame for path, _ in self._segments for frame in _read(path)]
        surplus = cut = sum(len(frame.payload) for frame in kept) - self._budget
        while kept and surplus > 0:
            first = kept.pop(0)
            if len(first.payload) > surplus:
                kept.insert(0, first._replace(payload=first.payload[surplus:]))
            surplus -= len(first.payload)
        return [*self.gap(max(0, cut)), *kept]

    def gap(self, cut: int = 0) -> list[Frame]:
        """What says how much is missing, with `cut` bytes more, if anything is."""
        missing = self._missing + cut
        return [gap(self._stream, self._first_number - 1, missing)] if missing else []

    def discard(self) -> None:
        for path, _ in self._segments:
            _unlink(path)


class Recorder:
    """Takes what a run writes; `limit` bytes a stream are kept, half of them head, half tail.

    Until `INLINE` bytes have come or `spill` is called nothing touches the disk. What the disk
    does not take stays in memory, up to `INLINE` bytes; more than that costs output, which is
    counted as a gap, never the run.
    """

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._head_left = {STDOUT: limit // 2, STDERR: limit // 2}
        self._limit = limit
        self._tails: dict[bytes, _Tail] = {}
        self._memory: list[Frame] = []
        self._in_memory = 0
        self._spilled = False
        self._number = 0
        self._last_words = b""

    @property
    def last_words(self) -> str:
        """The end of stderr, for an error message."""
        return self._last_words.decode(errors="replace")

    def feed(self, stream: bytes, data: bytes) -> None:
        """Take a piece of a stream."""
        if stream == STDERR:
            self._last_words = (self._last_words + data)[-_LAST_WORDS:]
        head, rest = data[: self._head_left[stream]], data[self._head_left[stream] :]
        if head:
            self._head_left[stream] -= len(head)
            self._keep(self._frame(stream, head))
        if rest:
            self.spill()
            self._tail(stream).append(self._frame(stream, rest))

    def _tail(self, stream: bytes) -> _Tail:
        if stream not in self._tails:
            self._tails[stream] = _Tail(self._path, stream, self._limit // 2)
        return self._tails[stream]

    def _frame(self, stream: bytes, payload: bytes) -> Frame:
        # Numbers leave room for the gap that may have to stand before a frame.
        self._number += 2
        return Frame(stream, self._number, payload)

    def _keep(self, frame: Frame) -> None:
        last = self._memory[-1] if self._memory else None
        if last is not None and last.stream == frame.stream and len(last.payload) < 4096:
            self._memory[-1] = last._replace(payload=last.payload + frame.payload)
        else:
            self._memory.append(frame)
        self._in_memory += len(frame.payload)
        if self._spilled or self._in_memory > INLINE:
            self.spill()

    def spill(self) -> None:
        """Go over to a file, where followers can see the output while it grows."""
        self._spilled = True
        written = _append(self._path, self._memory) if self._memory else 0
        reach("output spilled")
        del self._memory[:written]
        self._in_memory = sum(len(one.payload) for one in self._memory if not one.is_gap)
        if self._in_memory > INLINE:
            self._lose(self._in_memory - INLINE)

    def _lose(self, surplus: int) -> None:
        """Leave out that many bytes at the end of what waits in memory."""
        frame = self._memory.pop()
        kept = frame.payload[:-surplus]
        if kept:
            self._memory.append(frame._replace(payload=kept))
            frame = self._frame(frame.stream, b"")
        self._in_memory -= surplus
        lost = gap(frame.stream, frame.number - 1, surplus)
        for place in range(len(self._memory) - 1, -1, -1):
            last = self._memory[place]
            if not last.is_gap:
                break
            if last.stream == lost.stream:
                self._memory[place] = gap(frame.stream, last.number, last.missing + surplus)
                return
        self._memory.append(lost)

    def finish(self) -> bytes | None:
        """The whole transcript if it is short, else None, and it stands in its file.

        Where a full disk did not take all of it, what the files lack.
        """
        if not self._spilled:
            return _encoded(self._memory)
        self.spill()
        try:
            tails = [frame for tail in self._tails.values() for frame in tail.frames()]
            size = _size(self._path) + sum(len(one.payload) for one in (*self._memory, *tails))
            if size <= INLINE:
                return self._inline(tails)
            if not self._memory and self._put_together(tails):
                return None
        except OSError:  # the files cannot be read now, but stand
            pass
        return self._rest() or None

    def _inline(self, tails: list[Frame]) -> bytes:
        body = _encoded([*_read(self._path), *self._memory, *tails])
        self.discard()
        return body

    def _put_together(self, tails: list[Frame]) -> bool:
        """Move the tails into the file; where it does not take them all, leave all as it is."""
        before = _size(self._path)
        if _append(self._path, sorted(tails, key=_number)) < len(tails):
            os.truncate(self._path, before)
            return False
        reach("output put together")
        for tail in self._tails.values():
            tail.discard()
        return True

    def _rest(self) -> bytes:
        gaps = [frame for tail in self._tails.values() for frame in tail.gap()]
        return _encoded([*self._memory, *gaps])

    def discard(self) -> None:
        """Delete the files."""
        _unlink(self._path)
        for tail in self._tails.values():
            tail.discard()


def _number(frame: Frame) -> int:
    return frame.number


def _encoded(frames: Sequence[Frame]) -> bytes:
    return b"".join(map(encode, sorted(frames, key=_number)))


def _append(path: str, frames: Sequence[Frame]) -> int:
    """Write frames, each whole or not at all; how many were written before one was not."""
    try:
        descriptor = _open(path)
    except OSError:
        return 0
    try:
        for written, frame in enumerate(frames):
            if not _write(descriptor, encode(frame)):
                return written
        return len(frames)
    finally:
        os.close(descriptor)


def _open(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        return private.open_file(path, flags)
    except FileNotFoundError:
        private.make_folders(os.path.dirname(path))
        return private.open_file(path, flags)


def _write(descriptor: int, body: bytes) -> bool:
    before = os.fstat(descriptor).st_size
    try:
        whole = os.write(descriptor, body) == len(body)
    except OSError:
        whole = False
    if not whole:  # a torn frame would hide everything behind it
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, before)
    return whole


def _read(path: str) -> list[Frame]:
    """The frames of a file, none where there is no file; `OSError` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return list(decode(file.read()))
    except FileNotFoundError:
        return []


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
