"""Durations and times are read as people write them, and written so that they are read back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from queuectl.domain.errors import InvalidInput
from queuectl.domain.timing import (
    MAX_DURATION,
    SECOND,
    describe_duration,
    format_duration,
    format_instant,
    from_instant,
    parse_duration,
    parse_time,
    to_instant,
)

MINUTE, HOUR, DAY = 60, 3600, 86400
NOW = to_instant(datetime(2026, 3, 1, 12, 0, 0, 5, UTC))


def instant(text: str) -> int:
    return to_instant(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("2h30m", 9000),
        ("1d", 86400),
        ("1d2h3m4s", 93784),
        ("0.25", 0.25),
        ("0.25s", 0.25),
        ("1m0.5s", 60.5),
        ("250ms", 0.25),
        ("1m500ms", 60.5),
        ("2s50ms", 2.05),
        ("90m", 5400),
        ("007", 7),
        (" 5m\n", 300),
        ("36600d", MAX_DURATION),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "s", "m", "x", "5x", "5 m", "5m 3s", "2h 30m", "m5", "5M", "5min"),
        *("-5", "-5s", "+5", "1.5h", "1.5d", "5.", ".5", "1..5", "1e3", "1,5s", "1_000"),
        *("30m2h", "5s5s", "5m30", "5ss", "nan", "inf", "infinity", "0x10", "none"),
        *("٣", "٣s", "\uff15m", "²", "5µs", "5\x00", "5\x1b[0m", "5\ud800", "5\n5"),
    ],
)
def test_what_is_no_duration_is_refused(refusal: Callable[..., str], text: str) -> None:
    message = refusal(parse_duration, text, "timeout")
    assert message.startswith("timeout: '")
    assert message.endswith("' is not a duration (90, 90s, 5m, 2h30m, 1d)")


@pytest.mark.parametrize("text", ["36601d", "9" * 30, "9" * 5000, "9" * 5000 + "d", "3162240001"])
def test_a_duration_beyond_all_reason_is_refused(refusal: Callable[..., str], text: str) -> None:
    assert "a duration of at most 100 years" in refusal(parse_duration, text)


@given(st.integers(0, round(MAX_DURATION) * SECOND))
def test_a_duration_is_read_back_to_the_microsecond(count: int) -> None:
    assert parse_duration(format_duration(count / SECOND)) == count / SECOND


@given(st.floats(0, MAX_DURATION))
def test_any_duration_is_read_back_nearly(seconds: float) -> None:
    text = format_duration(seconds)
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-6)
    assert format_duration(parse_duration(text)) == text


@given(st.integers(0, 36599), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_the_units_of_a_duration_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days}d{hours}h{minutes}m{seconds}s"
    assert parse_duration(text) == days * DAY + hours * HOUR + minutes * MINUTE + seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-0.0, "0s"),
        (0.25, "0.25s"),
        (0.000001, "0.000001s"),
        (5, "5s"),
        (10, "10s"),
        (0.1 + 0.2, "0.3s"),
        (59.9999999, "1m"),
        (60, "1m"),
        (90, "1m30s"),
        (90.5, "90.5s"),
        (9000, "2h30m"),
        (86400, "1d"),
        (86401, "1d1s"),
    ],
)
def test_a_duration_is_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (0, "0 seconds"),
        (0.4, "0 seconds"),
        (1, "1 second"),
        (3, "3 seconds"),
        (59.7, "1 minute"),
        (61, "1 minute 1 second"),
        (8100, "2 hours 15 minutes"),
        (8130, "2 hours 15 minutes"),
        (86400, "1 day"),
        (2 * 86400 + 3600, "2 days 1 hour"),
    ],
)
def test_a_duration_is_described_by_its_two_largest_units(seconds: float, words: str) -> None:
    assert describe_duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-03-01T12:00:00.000005+00:00"),
        ("now+0", "2026-03-01T12:00:00.000005+00:00"),
        ("now+90", "2026-03-01T12:01:30.000005+00:00"),
        ("now+2h30m", "2026-03-01T14:30:00.000005+00:00"),
        ("now+0.25s", "2026-03-01T12:00:00.250005+00:00"),
        ("now+36600d", "2126-05-16T12:00:00.000005+00:00"),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00+00:00"),
        ("2026-03-02T10:00:00+02:00", "2026-03-02T08:00:00+00:00"),
        ("2026-03-02T10:00:00.123456-05:30", "2026-03-02T15:30:00.123456+00:00"),
        ("2026-03-02 10:00", "2026-03-02T05:00:00+00:00"),
        ("2026-03-02T10:00", "2026-03-02T05:00:00+00:00"),
        ("2026-03-02", "2026-03-01T19:00:00+00:00"),
        ("20260302T100000Z", "2026-03-02T10:00:00+00:00"),
        (" 2026-03-02 ", "2026-03-01T19:00:00+00:00"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999+00:00"),
        ("18:30", "2026-03-01T13:30:00+00:00"),
        ("7:05", "2026-03-02T02:05:00+00:00"),
        ("16:59", "2026-03-02T11:59:00+00:00"),
        ("17:00", "2026-03-02T12:00:00+00:00"),
        ("17:01", "2026-03-01T12:01:00+00:00"),
        ("00:00", "2026-03-01T19:00:00+00:00"),
    ],
)
def test_a_time_is_read(text: str, moment: str) -> None:
    zone = timezone(timedelta(hours=5))
    assert parse_time(text, NOW, zone) == instant(moment)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "tomorrow", "5m", "90", "NOW", "now-5m", "now+", "now + 5m", "now+x"),
        *(
            "now+-5m",
            "now+1.5h",
            "24:00",
            "12:60",
            "1:2",
            "12:00:00",
            "-1:00",
            "12:00Z",
            "1\uff12:00",
        ),
        *("2026-13-01", "2026-02-30", "2026-03-01T25:00", "2026-03-01T10:00:00+99:00"),
        *("10000-01-01", "0000-01-01", "-2026-01-01", "2026-03-01T10:00:00 Europe/Berlin"),
        *("2026-03-01\x00", "2026-03-01\x1b", "12:00\x00", "\ud800", "2026-03-01\ud80010:00Zx"),
    ],
)
def test_what_is_no_time_is_refused(refusal: Callable[..., str], text: str) -> None:
    message = refusal(parse_time, text, NOW, UTC, "run_at")
    assert message.startswith("run_at: '")
    assert " is not a " in message


@given(st.text(st.sampled_from("0123456789-:TZ+.Wnow 日\x00\ud800"), max_size=30))
def test_any_text_is_a_time_that_can_be_shown_or_is_refused(
    refusal: Callable[..., str], text: str
) -> None:
    try:
        found = parse_time(text, NOW, UTC)
    except InvalidInput:
        refusal(parse_time, text, NOW, UTC)
    else:
        assert parse_time(format_instant(found), NOW) == found


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+00:01",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_an_offset_does_not_lead_out_of_the_years_that_can_be_shown(
    refusal: Callable[..., str], text: str
) -> None:
    message = refusal(parse_time, text, NOW, UTC, "run_at")
    assert message == f"run_at: '{text}' is not a time in the years 1 to 9999"


def test_a_duration_does_not_lead_out_of_the_years_that_can_be_shown(
    refusal: Callable[..., str],
) -> None:
    late = instant("9990-01-01T00:00:00+00:00")
    assert "in the years 1 to 9999" in refusal(parse_time, "now+36500d", late)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_keeps_its_moment_exactly(moment: datetime) -> None:
    count = to_instant(moment)
    assert from_instant(count) == moment
    text = format_instant(count)
    assert text.endswith("Z")
    assert parse_time(text, NOW) == count


@given(
    st.datetimes(datetime(1900, 1, 1)),
    st.integers(-23 * 60, 23 * 60).map(lambda count: timezone(timedelta(minutes=count))),
)
def test_an_instant_is_the_same_in_every_zone(moment: datetime, zone: timezone) -> None:
    assume(moment.year < 9999)
    aware = moment.replace(tzinfo=zone)
    assert to_instant(aware) == to_instant(aware.astimezone(UTC))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_800_000_000_000_000, "2027-01-15T08:00:00Z"),
        (1_800_000_000_500_000, "2027-01-15T08:00:00.500000Z"),
    ],
)
def test_an_instant_is_written_in_utc(count: int, text: str) -> None:
    assert format_instant(count) == text
