"""The output of one attempt as a sequence of frames, in the order of arrival.

A frame is `stream (1 byte), number (8), length (4), payload`. The stream is `o`, `e`, or `O`, `E`
for a gap, whose payload is the count of bytes left out of stdout or stderr, in decimal. Numbers
grow with arrival, so that frames kept in several files can be put in order again.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_HEADER = struct.Struct(">cQI")
HEADER_SIZE = _HEADER.size
STDOUT, STDERR = b"o", b"e"
_GAPS = {STDOUT: b"O", STDERR: b"E"}
_GAP_STREAMS = frozenset(_GAPS.values())
_STREAMS = _GAP_STREAMS | _GAPS.keys()


class Frame(NamedTuple):
    """A piece of output, or a gap in it."""

    stream: bytes
    number: int
    payload: bytes

    @property
    def is_stderr(self) -> bool:
        """Whether it belongs to stderr, as output or as a gap."""
        return self.stream in (STDERR, _GAPS[STDERR])

    @property
    def is_gap(self) -> bool:
        """Whether it says that something is missing."""
        return self.stream in _GAP_STREAMS

    @property
    def missing(self) -> int:
        """Bytes left out here; 0 for a piece of output."""
        return int(self.payload) if self.is_gap else 0


def gap(stream: bytes, number: int, missing: int) -> Frame:
    """A frame that says how many bytes of `stream` are left out at this place."""
    return Frame(_GAPS[stream], number, b"%d" % missing)


def encode(frame: Frame) -> bytes:
    """The bytes of one frame."""
    return _HEADER.pack(frame.stream, frame.number, len(frame.payload)) + frame.payload


def decode(data: bytes) -> Iterator[Frame]:
    """The whole frames at the start of `data`; a torn one at the end is left out.

    After a power loss the end may also be zeros, which are no frames.
    """
    position = 0
    while position + HEADER_SIZE <= len(data):
        stream, number, length = _HEADER.unpack_from(data, position)
        end = position + HEADER_SIZE + length
        if end > len(data) or stream not in _STREAMS:
            return
        yield Frame(stream, number, data[position + HEADER_SIZE : end])
        position = end


def text(frames: Iterable[Frame], *, stderr: bool | None = None) -> bytes:
    """What the frames say, gaps in words; `stderr` picks one stream, None takes both."""
    wanted = (frame for frame in frames if stderr is None or frame.is_stderr is stderr)
    return b"".join(map(_said, wanted))


def _said(frame: Frame) -> bytes:
    return b"\n[... %d bytes left out ...]\n" % frame.missing if frame.is_gap else frame.payload
