"""Output of jobs on its way to a person or a file: safe on a terminal, untouched elsewhere."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from itertools import groupby
from typing import TextIO

from queuectl.commands.command import Context
from queuectl.domain import transcript
from queuectl.domain.text import visible
from queuectl.domain.transcript import Frame


class Printer:
    """Writes frames to stdout; with `split` those of stderr to stderr.

    Control characters are made visible on a terminal, unless `raw`.
    """

    def __init__(
        self, context: Context, *, raw: bool = False, only_stderr: bool = False, split: bool = False
    ) -> None:
        self._only_stderr, self._split = only_stderr, split
        self._out = _Stream(context.out, safe=context.width is not None and not raw)
        self._err = _Stream(context.err, safe=context.err.isatty() and not raw)

    def show(self, frames: Iterable[Frame], *, tail: int | None = None) -> None:
        """Write the frames at once, or the last `tail` lines of what they say."""
        wanted = [frame for frame in frames if frame.is_stderr or not self._only_stderr]
        if tail is not None:
            self._out.write(last_lines(transcript.text(wanted), tail))
            return
        for is_stderr, group in groupby(wanted, key=lambda frame: frame.is_stderr):
            stream = self._err if self._split and is_stderr else self._out
            stream.write(transcript.text(group))

    def close(self) -> None:
        """End a line that a person's prompt would otherwise be glued to."""
        self._out.close()
        self._err.close()


def last_lines(text: bytes, count: int) -> bytes:
    """The last `count` lines; a last one without a line feed counts."""
    position = len(text) - text.endswith(b"\n")
    for _ in range(count):
        position = text.rfind(b"\n", 0, position)
        if position < 0:
            return text
    return text[position + 1 :] if count else b""


def safe_lines(text: str) -> str:
    """`text` with everything spelled out that is more than lines and tabs."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in lines)


class _Stream:
    def __init__(self, stream: TextIO, *, safe: bool) -> None:
        self._stream, self._safe = stream, safe
        self._decoder = codecs.getincrementaldecoder("utf-8")(
            "surrogateescape" if safe else "replace"
        )
        self._in_a_line = False

    def write(self, data: bytes) -> None:
        if not data:
            return
        self._in_a_line = not data.endswith(b"\n")
        buffer = getattr(self._stream, "buffer", None)
        if self._safe:
            self._stream.write(safe_lines(self._decoder.decode(data)))
        elif buffer is not None:
            self._stream.flush()
            buffer.write(data)
        else:
            self._stream.write(self._decoder.decode(data))
        self._stream.flush()

    def close(self) -> None:
        if self._safe and self._in_a_line:
            self._stream.write("\n")
