"""Small readers of words: times in the past, orders, integers, jobs."""

from datetime import UTC, datetime

import pytest

from queuectl.commands.arguments import as_integer
from queuectl.commands.list import parse_order, parse_since
from queuectl.commands.wishes import wish_of
from queuectl.commands.wording import counted, moment, seconds
from queuectl.domain.errors import BadValue
from queuectl.domain.selection import Order, SortKey
from queuectl.domain.timing import SECOND, to_instant

NOW = to_instant(datetime(2030, 1, 31, 12, 0, tzinfo=UTC))


def test_since_takes_a_duration_before_now_or_a_time() -> None:
    assert parse_since("90", NOW) == NOW - 90 * SECOND
    assert parse_since("1h30m", NOW) == NOW - 5400 * SECOND
    assert parse_since("2030-01-01T00:00Z", NOW) == to_instant(datetime(2030, 1, 1, tzinfo=UTC))
    assert parse_since("2031-01-01T00:00Z", NOW) > NOW


@pytest.mark.parametrize("clock", ["00:00", "11:59", "12:00", "12:01", "23:59"])
def test_since_takes_a_time_of_day_for_its_last_one(clock: str) -> None:
    assert NOW - 86_400 * SECOND < parse_since(clock, NOW) <= NOW


def test_since_refuses_anything_else() -> None:
    with pytest.raises(BadValue, match="--since"):
        parse_since("yesterday", NOW)


def test_an_order_is_a_key_with_or_without_a_dash() -> None:
    assert parse_order("-run_at") == Order(SortKey.RUN_AT, descending=True)
    assert parse_order("run-at") == Order(SortKey.RUN_AT, descending=False)
    with pytest.raises(BadValue):
        parse_order("--id")


def test_an_integer_is_plain_digits() -> None:
    assert [as_integer(text) for text in ("5", " -5 ", "+7")] == [5, -5, 7]
    assert [as_integer(text) for text in ("1_0", "1.0", "٣", "", "0x1")] == [
        "1_0",
        "1.0",
        "٣",
        "",
        "0x1",
    ]


def test_words_are_a_program_json_or_a_shell_line() -> None:
    assert wish_of(["--", "a"]) == {"args": ["a"]}
    assert wish_of(["a", "b"]) == {"args": ["a", "b"]}
    assert wish_of(["a b"]) == {"command": "a b"}
    assert wish_of(['{"command": "a"}']) == {"command": "a"}
    assert wish_of(["[]"]) == []


def test_the_ends_of_the_calendar_can_be_told() -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert moment(to_instant(first)).endswith(":00")
    assert moment(to_instant(last))[:5] == "9999-"


def test_times_and_counts_are_short() -> None:
    assert [seconds(value) for value in (None, 0.0041, 2.34, 59.96, 125, 3725)] == [
        "-",
        "0.004s",
        "2.3s",
        "60.0s",
        "2m5s",
        "1h2m5s",
    ]
    assert [counted(number, "job") for number in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]
