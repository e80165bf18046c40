"""A transcript keeps both streams in the order of arrival, and what is torn is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.transcript import (
    HEADER_SIZE,
    STDERR,
    STDOUT,
    Frame,
    decode,
    encode,
    gap,
    text,
)

streams = st.sampled_from([STDOUT, STDERR])
numbers = st.integers(0, 2**64 - 1)
pieces = st.builds(Frame, streams, numbers, st.binary())
gaps = st.builds(gap, streams, numbers, st.integers(0, 2**63))
transcripts = st.lists(st.one_of(pieces, gaps), max_size=10)


@given(transcripts)
def test_frames_are_read_back_as_they_were_written(frames: list[Frame]) -> None:
    assert list(decode(b"".join(map(encode, frames)))) == frames


@given(transcripts, st.one_of(pieces, gaps), st.data())
def test_a_torn_frame_at_the_end_is_left_out(
    frames: list[Frame], last: Frame, data: st.DataObject
) -> None:
    torn = encode(last)[: data.draw(st.integers(0, len(encode(last)) - 1))]
    assert list(decode(b"".join(map(encode, frames)) + torn)) == frames


@given(transcripts, st.integers(0, 10_000))
def test_zeros_that_a_power_loss_left_at_the_end_are_no_frames(
    frames: list[Frame], zeros: int
) -> None:
    assert list(decode(b"".join(map(encode, frames)) + bytes(zeros))) == frames


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_without_an_error(data: bytes) -> None:
    assert b"".join(map(encode, decode(data))) == data[: sum(map(_size, decode(data)))]


def _size(frame: Frame) -> int:
    return HEADER_SIZE + len(frame.payload)


@given(st.lists(pieces, max_size=10))
def test_the_text_is_every_piece_in_order(frames: list[Frame]) -> None:
    assert text(frames) == b"".join(frame.payload for frame in frames)


@given(transcripts)
def test_each_frame_belongs_to_one_of_the_two_streams(frames: list[Frame]) -> None:
    stdout = text(frames, stderr=False)
    stderr = text(frames, stderr=True)
    assert len(stdout) + len(stderr) == len(text(frames))
    assert stderr == text(frame for frame in frames if frame.is_stderr)


FRAMES = [
    Frame(STDOUT, 0, b"out 1\n"),
    Frame(STDERR, 1, b"err 1\n"),
    gap(STDOUT, 2, 5000),
    gap(STDERR, 3, 7),
    Frame(STDOUT, 4, b"out 2\n"),
    Frame(STDERR, 5, b"\xff\x00"),
]


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (
            None,
            b"out 1\nerr 1\n\n[... 5000 bytes left out ...]\n\n[... 7 bytes left out ...]\n"
            b"out 2\n\xff\x00",
        ),
        (False, b"out 1\n\n[... 5000 bytes left out ...]\nout 2\n"),
        (True, b"err 1\n\n[... 7 bytes left out ...]\n\xff\x00"),
    ],
)
def test_gaps_are_said_in_words_in_their_place(stderr: bool | None, said: bytes) -> None:
    assert text(FRAMES, stderr=stderr) == said


def test_a_gap_says_how_much_is_missing() -> None:
    assert [frame.missing for frame in FRAMES] == [0, 0, 5000, 7, 0, 0]
    assert [frame.is_gap for frame in FRAMES] == [False, False, True, True, False, False]


def test_a_gap_of_nothing_is_not_mistaken_for_output() -> None:
    assert text([gap(STDOUT, 0, 0)]) == b"\n[... 0 bytes left out ...]\n"
