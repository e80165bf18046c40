"""Times are right where the clocks are set: in gaps, in folds, in any zone."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queuectl.domain.errors import InvalidInput
from queuectl.domain.timing import (
    SECOND,
    format_instant,
    from_instant,
    parse_time,
    to_instant,
)

NOW = to_instant(datetime(2026, 3, 1, 12, 0, 0, 5, UTC))
HOUR = 3600


class Stepped(tzinfo):
    """A zone whose clocks are set once, at the UTC time `at`, from one offset to another."""

    def __init__(self, at: datetime, before: timedelta, after: timedelta) -> None:
        self.at, self.before, self.after = at, before, after

    def utcoffset(self, moment: datetime | None) -> timedelta:
        assert moment is not None
        wall = moment.replace(tzinfo=None)
        if wall < self.at + min(self.before, self.after):
            return self.before
        if wall >= self.at + max(self.before, self.after):
            return self.after
        return self.after if moment.fold else self.before

    def dst(self, moment: datetime | None) -> None:
        return None

    def tzname(self, moment: datetime | None) -> str:
        return "stepped"

    def fromutc(self, moment: datetime) -> datetime:
        utc = moment.replace(tzinfo=None)
        if utc < self.at:
            return (utc + self.before).replace(tzinfo=self)
        wall = utc + self.after
        return wall.replace(tzinfo=self, fold=wall < self.at + self.before)

    def __repr__(self) -> str:
        return f"Stepped({self.at}, {self.before}, {self.after})"


def stepped(at: str, before: float, after: float) -> Stepped:
    return Stepped(datetime.fromisoformat(at), timedelta(hours=before), timedelta(hours=after))


BERLIN_SPRING = stepped("2026-03-29T01:00", 1, 2)
BERLIN_AUTUMN = stepped("2026-10-25T01:00", 2, 1)
LORD_HOWE_AUTUMN = stepped("2026-10-03T15:30", 10.5, 11)
APIA_SKIPS_A_DAY = stepped("2011-12-30T10:00", -10, 14)
ST_JOHNS_AUTUMN = stepped("2010-11-07T02:31", -2.5, -3.5)
HAVANA_MIDNIGHT = stepped("2026-03-08T05:00", -5, -4)

# Rules of real zones, which the C library knows without any database.
SYSTEM_ZONES = {
    "Berlin": "CET-1CEST,M3.5.0,M10.5.0/3",
    "New York": "EST5EDT,M3.2.0,M11.1.0",
    "Dublin": "IST-1GMT0,M10.5.0,M3.5.0/1",
    "Lord Howe": "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "Troll": "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
    "Havana": "CST5CDT,M3.2.0/0,M11.1.0/1",
    "Santiago": "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "Kathmandu": "<+0545>-5:45",
    "Kiritimati": "<+14>-14",
}


@contextmanager
def system_zone(rule: str) -> Iterator[None]:
    saved = os.environ.get("TZ")
    os.environ["TZ"] = rule
    time.tzset()
    try:
        yield
    finally:
        del os.environ["TZ"]
        if saved is not None:
            os.environ["TZ"] = saved
        time.tzset()


def local(instant: int, zone: tzinfo | None) -> datetime:
    return from_instant(instant).astimezone(zone)


def instant(text: str) -> int:
    return to_instant(datetime.fromisoformat(text))


zones = st.builds(
    Stepped,
    at=st.datetimes(datetime(2026, 6, 1), datetime(2026, 6, 3)),
    before=st.integers(-12 * 60, 14 * 60).map(lambda count: timedelta(minutes=count)),
    after=st.integers(-12 * 60, 14 * 60).map(lambda count: timedelta(minutes=count)),
)
moments = st.datetimes(datetime(2026, 5, 30), datetime(2026, 6, 5), timezones=st.just(UTC))
clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0, fold=0))


@settings(max_examples=500)
@given(zones, moments, st.integers(0, 23), st.integers(0, 59))
def test_the_next_clock_time_is_the_very_next_in_a_zone_whose_clocks_are_set(
    zone: Stepped, moment: datetime, hour: int, minute: int
) -> None:
    now = to_instant(moment)
    found = parse_time(f"{hour}:{minute:02}", now, zone)
    step = abs(zone.after - zone.before)
    assert now < found <= now + to_instant(datetime(1970, 1, 2, tzinfo=UTC) + step)
    shown = local(found, zone)
    if (shown.hour, shown.minute, shown.second) == (hour, minute, 0):
        assert not any(now < other < found for other in _showing(zone, found, hour, minute))
    else:
        assert zone.after > zone.before, "only a gap has no such clock time"
        wall = shown.replace(tzinfo=None) - (zone.after - zone.before)
        assert (wall.hour, wall.minute, wall.second) == (hour, minute, 0)
        assert zone.at + zone.before <= wall < zone.at + zone.after


def _showing(zone: Stepped, near: int, hour: int, minute: int) -> Iterator[int]:
    """Every instant up to `near` at which the clocks of the zone show that time."""
    day = local(near, zone).replace(tzinfo=None, hour=hour, minute=minute, fold=0)
    for days in range(-4, 1):
        for offset in (zone.before, zone.after):
            moment = (day + timedelta(days=days) - offset).replace(tzinfo=UTC)
            if moment.astimezone(zone).utcoffset() == offset:
                yield to_instant(moment)


@settings(max_examples=500)
@given(
    st.sampled_from(sorted(SYSTEM_ZONES)),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.integers(0, 23),
    st.integers(0, 59),
)
def test_the_next_clock_time_of_the_system_zone_comes_within_a_day_and_a_bit(
    name: str, moment: datetime, hour: int, minute: int
) -> None:
    _assert_next_of_the_system_zone(name, moment, hour, minute)


@settings(max_examples=500)
@given(
    st.sampled_from(sorted(SYSTEM_ZONES)),
    st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-09-06", "2026-10-04"]),
    st.integers(-36 * 60, 36 * 60),
    st.integers(0, 3),
    st.integers(0, 59),
)
def test_the_next_clock_time_of_the_system_zone_is_right_around_the_changes(
    name: str, day: str, minutes: int, hour: int, minute: int
) -> None:
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    _assert_next_of_the_system_zone(name, moment, hour, minute)


def _assert_next_of_the_system_zone(name: str, moment: datetime, hour: int, minute: int) -> None:
    now = to_instant(moment)
    with system_zone(SYSTEM_ZONES[name]):
        found = parse_time(f"{hour:02}:{minute:02}", now)
        assert now < found <= now + (26 if name == "Troll" else 25) * HOUR * SECOND
        shown = local(found, None)
        if (shown.hour, shown.minute, shown.second) != (hour, minute, 0):
            # It is a time in a gap: no offset in use near it would make the clocks show it.
            offsets = {local(found + hours * HOUR * SECOND, None).utcoffset() for hours in (-4, 4)}
            assert len(offsets) == 2
            gap = max(offsets) - min(offsets)  # type: ignore[operator, type-var]
            wall = shown - gap
            assert (wall.hour, wall.minute) == (hour, minute)


@pytest.mark.parametrize(
    ("zone", "now", "clock", "shown"),
    [
        (BERLIN_SPRING, "2026-03-29T01:59+01:00", "02:30", "2026-03-29T03:30+02:00"),
        (BERLIN_SPRING, "2026-03-29T03:10+02:00", "02:30", "2026-03-30T02:30+02:00"),
        (BERLIN_SPRING, "2026-03-28T02:30+01:00", "02:30", "2026-03-29T03:30+02:00"),
        (BERLIN_SPRING, "2026-03-29T01:59+01:00", "03:00", "2026-03-29T03:00+02:00"),
        (BERLIN_SPRING, "2026-03-28T12:00+01:00", "12:00", "2026-03-29T12:00+02:00"),
        (BERLIN_AUTUMN, "2026-10-25T01:00+02:00", "02:30", "2026-10-25T02:30+02:00"),
        (BERLIN_AUTUMN, "2026-10-25T02:45+02:00", "02:30", "2026-10-25T02:30+01:00"),
        (BERLIN_AUTUMN, "2026-10-25T02:15+01:00", "02:30", "2026-10-25T02:30+01:00"),
        (BERLIN_AUTUMN, "2026-10-25T02:45+01:00", "02:30", "2026-10-26T02:30+01:00"),
        (BERLIN_AUTUMN, "2026-10-24T12:00+02:00", "12:00", "2026-10-25T12:00+01:00"),
        (LORD_HOWE_AUTUMN, "2026-10-04T01:50+10:30", "02:10", "2026-10-04T02:40+11:00"),
        (APIA_SKIPS_A_DAY, "2011-12-29T23:00-10:00", "10:00", "2011-12-31T10:00+14:00"),
        (ST_JOHNS_AUTUMN, "2010-11-07T00:00-02:30", "23:30", "2010-11-06T23:30-03:30"),
        (HAVANA_MIDNIGHT, "2026-03-07T23:30-05:00", "00:15", "2026-03-08T01:15-04:00"),
    ],
)
def test_a_clock_time_where_clocks_are_set(zone: Stepped, now: str, clock: str, shown: str) -> None:
    found = local(parse_time(clock, instant(now), zone), zone)
    assert found.isoformat(timespec="minutes") == shown


def test_a_local_time_without_offset_is_one_of_the_system_zone() -> None:
    with system_zone(SYSTEM_ZONES["Berlin"]):
        assert parse_time("2026-07-01T12:00", NOW) == instant("2026-07-01T10:00+00:00")
        assert parse_time("2026-01-01T12:00", NOW) == instant("2026-01-01T11:00+00:00")
        in_gap, in_fold = "2026-03-29T02:30:00.000001", "2026-10-25T02:30"
        assert parse_time(in_gap, NOW) == instant("2026-03-29T03:30:00.000001+02:00")
        assert parse_time(in_fold, NOW) == instant("2026-10-25T02:30+02:00")


@given(
    st.sampled_from(sorted(SYSTEM_ZONES)),
    st.datetimes(datetime(1970, 1, 3), datetime(2200, 1, 1), timezones=st.just(UTC)),
)
def test_a_local_time_of_the_system_zone_keeps_its_microseconds(
    name: str, moment: datetime
) -> None:
    with system_zone(SYSTEM_ZONES[name]):
        there = moment.astimezone().replace(tzinfo=None)
        if not there.fold:
            assert parse_time(there.isoformat(), NOW) == to_instant(moment)


@pytest.mark.parametrize("rule", SYSTEM_ZONES.values(), ids=SYSTEM_ZONES)
@pytest.mark.parametrize("text", ["9999-12-31T23:59:59", "0001-01-01T00:00:00"])
def test_a_local_time_at_the_end_of_the_calendar_is_read_or_refused(
    refusal: Callable[..., str], rule: str, text: str
) -> None:
    with system_zone(rule):
        try:
            assert format_instant(parse_time(text, NOW))
        except InvalidInput:
            refusal(parse_time, text, NOW)
