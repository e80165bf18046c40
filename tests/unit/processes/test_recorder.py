"""What is kept of a command's output, in memory and in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.transcript import STDERR, STDOUT, decode, text
from queuectl.home import transcripts
from queuectl.home.folder import Home
from queuectl.processes.execution.recorder import INLINE, Recorder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path))


def recorder(home: Home, limit: int = 1 << 23) -> Recorder:
    return Recorder(home.output(1, 1), limit)


def files(home: Home) -> list[Path]:
    return [path for path in Path(str(home)).rglob("*") if path.is_file()]


def test_short_output_touches_no_file_and_keeps_its_order(home):
    one = recorder(home)
    for stream, data in ((STDOUT, b"a"), (STDERR, b"b"), (STDOUT, b"c")):
        one.feed(stream, data)
    assert files(home) == []
    assert text(decode(one.finish() or b"")) == b"abc"


def test_spilled_output_can_be_read_while_it_grows_and_comes_back_if_short(home):
    one = recorder(home)
    one.feed(STDOUT, b"early ")
    one.spill()
    follower = transcripts.Follower(home, 1, 1)
    assert text(follower.new_frames()) == b"early "
    one.feed(STDERR, b"late")
    assert text(follower.new_frames()) == b"late"
    assert follower.new_frames() == []
    assert text(decode(one.finish() or b"")) == b"early late"
    assert files(home) == []


def test_long_output_stays_in_a_file(home):
    one = recorder(home)
    data = bytes(range(256)) * 1024
    one.feed(STDOUT, data)
    assert one.finish() is None
    assert text(transcripts.read(home, 1, 1)) == data
    assert len(files(home)) == 1


@pytest.mark.parametrize("stream", [STDOUT, STDERR])
def test_of_endless_output_head_and_tail_are_kept_and_the_gap_is_counted(home, stream):
    limit = 4 * INLINE
    one = recorder(home, limit)
    lines = [b"%09d\n" % number for number in range(100_000)]
    for start in range(0, len(lines), 100):
        one.feed(stream, b"".join(lines[start : start + 100]))
    written = sum(path.stat().st_size for path in files(home))
    assert written < limit * 1.3
    assert one.finish() is None
    whole = b"".join(lines)
    frames = transcripts.read(home, 1, 1)
    kept = [frame for frame in frames if not frame.missing]
    (missing,) = [frame.missing for frame in frames if frame.missing]
    assert missing == len(whole) - limit
    assert text(kept) == whole[: limit // 2] + whole[-limit // 2 :]
    assert len(files(home)) == 1


def test_a_follower_sees_the_live_tail_of_endless_output(home):
    one = recorder(home, 1024)
    follower = transcripts.Follower(home, 1, 1)
    seen = b""
    for number in range(1000):
        one.feed(STDOUT, b"%09d\n" % number)
        seen += text(follower.new_frames())
    assert seen == b"".join(b"%09d\n" % number for number in range(1000))


def test_output_that_no_disk_takes_is_kept_in_memory_and_the_rest_counted_as_a_gap():
    one = Recorder("/proc/no/such/place", 1 << 20)
    one.feed(STDOUT, b"begun\n")
    one.spill()
    one.feed(STDERR, b"x" * INLINE)
    for _ in range(1000):
        one.feed(STDOUT, b"more\n")
        one.feed(STDERR, b"last words\n")
    assert one.last_words.endswith("last words\n")
    frames = list(decode(one.finish() or b""))
    assert text(frame for frame in frames if not frame.is_gap) == (
        b"begun\n" + b"x" * (INLINE - len("begun\n"))
    )
    gaps = {frame.is_stderr: frame.missing for frame in frames if frame.is_gap}
    assert gaps == {False: 5000, True: 11 * 1000 + len("begun\n")}
    assert len(frames) == 4


def test_output_that_the_disk_takes_again_later_is_in_the_file_in_order(tmp_path):
    blocked = tmp_path / "output"
    blocked.write_text("a file where a folder should be")
    home = Home(str(tmp_path))
    one = recorder(home)
    one.spill()
    one.feed(STDOUT, b"a" * 40_000)
    one.feed(STDOUT, b"b" * 40_000)
    blocked.unlink()
    one.feed(STDOUT, b"c" * 40_000)
    assert one.finish() is None
    frames = transcripts.read(home, 1, 1)
    lost = 80_000 - INLINE
    assert [frame.missing for frame in frames if frame.is_gap] == [lost]
    kept = text(frame for frame in frames if not frame.is_gap)
    assert kept == b"a" * 40_000 + b"b" * (40_000 - lost) + b"c" * 40_000


def test_what_the_file_does_not_take_at_the_end_is_handed_over(home):
    one = recorder(home)
    one.feed(STDOUT, b"a" * (INLINE + 1))
    place, aside = Path(home.output(1, 1)), Path(str(home)) / "aside"
    place.rename(aside)
    place.symlink_to("/proc/no/such/place")
    one.feed(STDOUT, b"b" * INLINE)
    one.feed(STDOUT, b"c" * 10)
    rest = one.finish()
    aside.rename(place)
    frames = transcripts.whole(home, 1, 1, rest or b"")
    assert [frame.missing for frame in frames if frame.is_gap] == [10]
    kept = text(frame for frame in frames if not frame.is_gap)
    assert kept == b"a" * (INLINE + 1) + b"b" * INLINE


def test_a_gap_and_the_tail_behind_it_are_both_kept_in_the_file(home):
    one = recorder(home, 4 * INLINE)
    one.feed(STDOUT, b"a" * (2 * INLINE))
    one.feed(STDOUT, b"b" * (2 * INLINE + 5))
    assert one.finish() is None
    frames = transcripts.read(home, 1, 1)
    assert [frame.missing for frame in frames if frame.is_gap] == [5]
    assert text(frame for frame in frames if not frame.is_gap)[2 * INLINE :] == b"b" * 2 * INLINE


@given(
    limit=st.integers(16, 300),
    pieces=st.lists(
        st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=60)), max_size=40
    ),
)
def test_no_byte_is_kept_twice_or_missing_uncounted(tmp_path_factory, limit, pieces):
    home = Home(str(tmp_path_factory.mktemp("home")))
    one = recorder(home, limit)
    for stream, data in pieces:
        one.feed(stream, data)
    frames = list(decode(one.finish() or b""))
    for stream, is_stderr in ((STDOUT, False), (STDERR, True)):
        whole = b"".join(data for name, data in pieces if name == stream)
        mine = [frame for frame in frames if frame.is_stderr is is_stderr]
        missing = sum(frame.missing for frame in mine)
        kept = b"".join(frame.payload for frame in mine if not frame.missing)
        assert len(kept) + missing == len(whole)
        assert len(kept) <= limit
        if missing:
            half = limit // 2
            assert kept == whole[:half] + whole[-half:]
        else:
            assert kept == whole
