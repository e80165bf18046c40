"""Records the output of one run: in memory while short, then in a file, head and tail kept."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator

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
        self.missing = 0
        self.first_number: int | None = None

    def append(self, frame: Frame) -> None:
        if self.first_number is None:
            self.first_number = frame.number
        if not self._segments or self._segments[-1][1] >= max(1, self._budget // _SEGMENTS):
            self._made += 1
            self._segments.append((f"{self._path}.{self._stream.decode()}{self._made}", 0))
        path, size = self._segments[-1]
        if _append(path, frame):
            self._segments[-1] = (path, size + len(frame.payload))
        else:
            self.missing += len(frame.payload)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while sum(size for _, size in self._segments) - self._segments[0][1] >= self._budget:
            path, size = self._segments.popleft()
            self.missing += size
            _unlink(path)

    def frames(self) -> list[Frame]:
        """A gap, if anything is missing, and the frames after it, at most the budget."""
        kept = [frame for path, _ in self._segments for frame in _read(path)]
        surplus = sum(len(frame.payload) for frame in kept) - self._budget
        while kept and surplus > 0:
            first = kept[0]
            cut = min(surplus, len(first.payload))
            kept[0] = first._replace(payload=first.payload[cut:])
            surplus -= cut
            self.missing += cut
            if not kept[0].payload:
                del kept[0]
        if self.missing and self.first_number is not None:
            kept.insert(0, gap(self._stream, self.first_number, self.missing))
        return kept

    def discard(self) -> None:
        for path, _ in self._segments:
            _unlink(path)


class Recorder:
    """Takes what a run writes; `limit` bytes a stream are kept, half of them head, half tail.

    Until `INLINE` bytes have come or `spill` is called nothing touches the disk. A disk that is
    full costs output, which is counted as a gap, never the run.
    """

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._head_left = {STDOUT: limit // 2, STDERR: limit // 2}
        self._tails = {stream: _Tail(path, stream, limit // 2) for stream in (STDOUT, STDERR)}
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
            self._tails[stream].append(self._frame(stream, rest))

    def _frame(self, stream: bytes, payload: bytes) -> Frame:
        # Numbers leave room for the gap that may have to stand before a frame.
        self._number += 2
        return Frame(stream, self._number, payload)

    def _keep(self, frame: Frame) -> None:
        if self._spilled:
            self._write(frame)
            return
        last = self._memory[-1] if self._memory else None
        if last is not None and last.stream == frame.stream and len(last.payload) < 4096:
            self._memory[-1] = last._replace(payload=last.payload + frame.payload)
        else:
            self._memory.append(frame)
        self._in_memory += len(frame.payload)
        if self._in_memory > INLINE:
            self.spill()

    def spill(self) -> None:
        """Go over to a file, where followers can see the output while it grows."""
        if self._spilled:
            return
        self._spilled = True
        with contextlib.suppress(OSError):
            private.make_folders(os.path.dirname(self._path))
        for frame in self._memory:
            self._write(frame)
        reach("output spilled")
        self._memory = []

    def _write(self, frame: Frame) -> None:
        if not _append(self._path, frame):
            _append(self._path, gap(frame.stream, frame.number - 1, len(frame.payload)))

    def finish(self) -> bytes | None:
        """The whole transcript if it is short, else None, and it stands in its file."""
        if not self._spilled:
            return b"".join(map(encode, self._memory))
        tails = sorted(
            (frame for tail in self._tails.values() for frame in tail.frames()),
            key=lambda frame: frame.number,
        )
        size = _size(self._path) + sum(len(frame.payload) for frame in tails)
        if size <= INLINE:
            return self._inline(tails)
        if tails:
            self._put_together(tails)
        return None

    def _inline(self, tails: list[Frame]) -> bytes:
        body = b"".join(map(encode, [*_read(self._path), *tails]))
        self.discard()
        return body

    def _put_together(self, tails: list[Frame]) -> None:
        for frame in tails:
            _append(self._path, frame)
        reach("output put together")
        for tail in self._tails.values():
            tail.discard()

    def discard(self) -> None:
        """Delete the files."""
        _unlink(self._path)
        for tail in self._tails.values():
            tail.discard()


def _append(path: str, frame: Frame) -> bool:
    """Write a frame whole or not at all; whether it worked."""
    try:
        descriptor = private.open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError:
        return False
    try:
        before = os.fstat(descriptor).st_size
        body = encode(frame)
        try:
            whole = os.write(descriptor, body) == len(body)
        except OSError:
            whole = False
        if not whole:  # a torn frame would hide everything behind it
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, before)
        return whole
    finally:
        os.close(descriptor)


def _read(path: str) -> Iterator[Frame]:
    try:
        with open(path, "rb") as file:
            return decode(file.read())
    except OSError:
        return iter(())


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
