"""Output of jobs is passed on as bytes, or made safe for a terminal."""

import io

from hypothesis import given
from hypothesis import strategies as st

from queuectl.app import App
from queuectl.commands.command import Context
from queuectl.commands.printing import Printer, last_lines
from queuectl.domain.transcript import STDERR, STDOUT, Frame, gap


def _printed(
    frames: list[Frame], *, terminal: bool = False, **options: bool
) -> tuple[bytes, bytes]:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    context = Context(App(), out, err, width=80 if terminal else None)
    printer = Printer(context, **options)
    for frame in frames:
        printer.show([frame])
    printer.close()
    out.flush()
    err.flush()
    return out.buffer.getvalue(), err.buffer.getvalue()  # type: ignore[attr-defined]


MIXED = [Frame(STDOUT, 0, b"a\xff\x1b"), Frame(STDERR, 1, b"b\r\n"), gap(STDOUT, 2, 7)]


def test_bytes_stay_as_they_are_without_a_terminal() -> None:
    assert _printed(MIXED) == (b"a\xff\x1bb\r\n\n[... 7 bytes left out ...]\n", b"")


def test_streams_can_stay_apart() -> None:
    out, err = _printed(MIXED, split=True)
    assert out == b"a\xff\x1b\n[... 7 bytes left out ...]\n"
    assert err == b"b\r\n"
    assert _printed(MIXED, only_stderr=True) == (b"b\r\n", b"")


def test_a_terminal_gets_nothing_that_it_acts_on() -> None:
    frames = [Frame(STDOUT, 0, b"a\t\x1b[31m\xff\r\nb\rc"), Frame(STDOUT, 1, b"\x9b\n")]
    assert _printed(frames, terminal=True)[0] == b"a\t\\e[31m\\xff\nb\\rc\\x9b\n"
    assert _printed(frames, terminal=True, raw=True)[0] == frames[0].payload + frames[1].payload


def test_a_character_may_come_in_two_pieces() -> None:
    word = "漢".encode()
    frames = [Frame(STDOUT, 0, word[:2]), Frame(STDOUT, 1, word[2:])]
    assert _printed(frames, terminal=True)[0].decode() == "漢\n"


@given(st.binary(max_size=50).map(lambda data: data.replace(b"x", b"\n")), st.integers(0, 9))
def test_the_last_lines_are_the_last_lines(data: bytes, count: int) -> None:
    lines = data.split(b"\n")
    ended = lines[-1] == b""
    whole = lines[:-1] if ended else lines
    kept = whole[-count:] if count else []
    expected = b"\n".join(kept) + (b"\n" if ended and kept else b"")
    assert last_lines(data, count) == expected
