"""Durations and times as people write them, and as the queue keeps them.

An instant is an integer: microseconds since 1970-01-01 UTC. A duration is a number of seconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from queuectl.domain.errors import BadValue

SECOND = 1_000_000
CLOCK_TOLERANCE = 2.0  # seconds; a wall clock that moved further has been set
MAX_DURATION = 100 * 366 * 86400.0
_PRECISION = 6  # digits of a second that an instant has room for
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_DURATION = r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?"
_CLOCK = r"([01]?[0-9]|2[0-3]):([0-5][0-9])"
_WANTED_DURATION = "a duration (90, 90s, 5m, 2h30m, 1d)"
_WANTED_TIME = "a time (ISO 8601, HH:MM, or now+DURATION)"


def parse_duration(text: str, field: str = "duration") -> float:
    """Seconds meant by `90`, `90s`, `5m`, `2h30m`, `1d`; raises `BadValue`."""
    plain = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", plain, re.ASCII):
        seconds = float(plain)
    elif plain and (match := re.fullmatch(_DURATION, plain, re.ASCII)):
        parts = zip(match.groups(), _UNITS.values(), strict=True)
        seconds = sum(float(count) * unit for count, unit in parts if count)
    else:
        raise BadValue(field, text, _WANTED_DURATION)
    if seconds > MAX_DURATION:
        raise BadValue(field, text, "a duration of at most 100 years")
    return seconds


def format_duration(seconds: float) -> str:
    """The form that `parse_duration` reads back, to the microsecond: `45s`, `2h30m`, `0.25s`."""
    exact = round(seconds, _PRECISION) + 0.0  # no minus before a zero
    if exact < 60 or not exact.is_integer():
        return f"{exact:.{_PRECISION}f}".rstrip("0").rstrip(".") + "s"
    parts, rest = [], int(exact)
    for letter in "dhms":
        count, rest = divmod(rest, int(_UNITS[letter]))
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts)


def describe_duration(seconds: float) -> str:
    """The two largest units in words: `2 hours 15 minutes`, `1 day`, `3 seconds`."""
    rest = max(0, round(seconds))
    words = []
    for name, unit in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, unit)
        if count:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(words[:2]) or "0 seconds"


def parse_time(text: str, now: int, zone: tzinfo | None = None, field: str = "time") -> int:
    """The instant meant by ISO 8601, `HH:MM` (the next one), `now` or `now+DURATION`.

    Times without an offset are in `zone`, or the system's own zone; raises `BadValue`.
    """
    plain = text.strip()
    try:
        instant = _read_time(plain, now, zone, field)
        from_instant(instant)  # an offset can lead out of the years that can be shown
    except OverflowError:
        raise BadValue(field, text, "a time in the years 1 to 9999") from None
    except (ValueError, OSError):
        raise BadValue(field, text, _WANTED_TIME) from None
    return instant


def _read_time(plain: str, now: int, zone: tzinfo | None, field: str) -> int:
    if plain == "now":
        return now
    if plain.startswith("now+"):
        return now + round(parse_duration(plain[4:], field) * SECOND)
    clock = re.fullmatch(_CLOCK, plain)
    if clock:
        return _next_clock_time(int(clock[1]), int(clock[2]), now, zone)
    return _instant_of(datetime.fromisoformat(plain), zone)


def _next_clock_time(hour: int, minute: int, now: int, zone: tzinfo | None) -> int:
    today = from_instant(now).astimezone(zone).replace(tzinfo=None)
    wall = today.replace(hour=hour, minute=minute, second=0, microsecond=0)
    # Yesterday's counts too, where the clocks are set back past midnight.
    days = [wall + timedelta(days=count) for count in (-1, 0, 1, 2)]
    return min(
        instant for day in days for instant in _instants_of(day, today, zone) if instant > now
    )


def _instants_of(wall: datetime, today: datetime, zone: tzinfo | None) -> list[int]:
    """When the clocks show `wall`: twice where they are set back.

    Where they jump over it, as long after the jump as it lies behind; not for whom that is past.
    """
    first, second = (_instant_of(wall.replace(fold=fold), zone) for fold in (0, 1))
    if first > second:
        return [first] if wall > today else []
    return [first, second]


def _instant_of(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None and zone is None:
        # Of a time that the clocks jump over, astimezone() makes one on the wrong side.
        seconds = round(moment.replace(microsecond=0).timestamp())
        return seconds * SECOND + moment.microsecond
    return to_instant(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def to_instant(moment: datetime) -> int:
    """Microseconds since the epoch of an aware `moment`, exact."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def from_instant(instant: int) -> datetime:
    """The aware UTC datetime of an instant, exact."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)


def format_instant(instant: int) -> str:
    """ISO 8601 in UTC with `Z`, with microseconds where there are any."""
    return from_instant(instant).replace(tzinfo=None).isoformat() + "Z"
