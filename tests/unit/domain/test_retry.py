"""Retries wait as their policy says: never less than nothing, never longer than its cap."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.retry import (
    MAX_BASE,
    MAX_DELAYS,
    Backoff,
    Strategy,
    backoff_from_json,
    format_backoff,
    parse_backoff,
)
from queuectl.domain.timing import MAX_DURATION

DEFAULT = Backoff(base=2, max=3600, jitter=0)
# A duration of whole microseconds, as the queue keeps time.
durations = st.integers(0, round(MAX_DURATION) * 1_000_000).map(lambda count: count / 1_000_000)
any_duration = st.one_of(durations, st.floats(0, MAX_DURATION), st.sampled_from([0, MAX_DURATION]))
policies = st.builds(
    Backoff,
    strategy=st.sampled_from(Strategy),
    base=st.one_of(st.floats(0, MAX_BASE), st.integers(0, int(MAX_BASE))),
    delay=any_duration,
    delays=st.lists(any_duration, min_size=1, max_size=5).map(tuple),
    max=any_duration,
    jitter=st.floats(0, 1),
)
NO_NUMBERS: list[Any] = ["2", None, True, -1, -0.1, [], math.nan, math.inf, 10**400, 10**5000]
retries = st.one_of(st.integers(1, 100), st.integers(1, 1_000_000))
chances = st.floats(0, 1, exclude_max=True)


@given(policies, retries, chances)
def test_a_wait_is_never_negative_and_never_above_the_cap(
    policy: Backoff, retry: int, chance: float
) -> None:
    assert 0 <= policy.wait(retry, chance) <= policy.max


@given(policies, retries, chances)
def test_jitter_only_adds_and_no_more_than_its_fraction(
    policy: Backoff, retry: int, chance: float
) -> None:
    plain = policy._replace(jitter=0).wait(retry, chance)
    assert plain <= policy.wait(retry, chance) <= plain * (1 + policy.jitter)


def test_a_delay_of_nothing_grows_to_nothing() -> None:
    assert Backoff(delay=0, base=1000).wait(1_000_000, 0.9) == 0


@pytest.mark.timeout(60)
def test_a_wait_far_beyond_the_cap_costs_no_time() -> None:
    for _ in range(1000):  # with powers of integers it would take minutes
        assert Backoff(base=1000).wait(1_000_000, 0.0) == 3600


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("exponential", [2, 4, 8, 16]),
        ("exponential:3", [3, 9, 27, 81]),
        ("exponential:1", [1, 1, 1, 1]),
        ("exponential:0", [0, 0, 0, 0]),
        ("exponential:1.5", [1.5, 2.25, 3.375, 5.0625]),
        ("linear:5s", [5, 10, 15, 20]),
        ("linear:30m", [1800, 3600, 3600, 3600]),
        ("fixed:5s", [5, 5, 5, 5]),
        ("fixed:0", [0, 0, 0, 0]),
        ("fixed:2h", [3600, 3600, 3600, 3600]),
        ("list:1s,5s", [1, 5, 5, 5]),
        ("list:90", [90, 90, 90, 90]),
        ("list:1s, 2m ,0.5s", [1, 120, 0.5, 0.5]),
        (" fixed :5s", [5, 5, 5, 5]),
    ],
)
def test_a_policy_is_read_from_a_short_text(text: str, waits: list[float]) -> None:
    policy = parse_backoff(text, DEFAULT)
    assert [policy.wait(retry, 0.0) for retry in (1, 2, 3, 4)] == waits


def test_a_short_text_takes_cap_and_jitter_from_the_default() -> None:
    policy = parse_backoff("fixed:5s", Backoff(max=3, jitter=0.5))
    assert (policy.max, policy.jitter) == (3, 0.5)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "unknown backoff strategy ''"),
        ("fixd:5s", "did you mean 'fixed'?"),
        ("Fixed:5s", "did you mean 'fixed'?"),
        ("5s", "unknown backoff strategy '5s'"),
        ("fixed", "'' is not a duration"),
        ("fixed:", "'' is not a duration"),
        ("fixed:x", "'x' is not a duration"),
        ("fixed:-5s", "'-5s' is not a duration"),
        ("fixed:5s,6s", "'5s,6s' is not a duration"),
        ("fixed:99999d", "at most 100 years"),
        ("linear:1.5h", "'1.5h' is not a duration"),
        ("list:", "'' is not a duration"),
        ("list:1s,,2s", "'' is not a duration"),
        ("list:1s,", "'' is not a duration"),
        ("list:" + "1," * MAX_DELAYS + "1", "a list of 1 to 1000 delays"),
        ("exponential:x", "'x' is not a base from 0 to 1000"),
        ("exponential:-1", "'-1' is not a base"),
        ("exponential:1001", "'1001' is not a base"),
        ("exponential:nan", "'nan' is not a base"),
        ("exponential:inf", "'inf' is not a base"),
        ("exponential:1e999", "'1e999' is not a base"),
        ("exponential:1_0", "'1_0' is not a base"),
        ("exponential:٣", "'٣' is not a base"),
        ("exponential:2\x00", r"'2\0' is not a base"),
    ],
)
def test_a_short_text_that_is_wrong_is_refused(
    refusal: Callable[..., str], text: str, part: str
) -> None:
    assert part in refusal(parse_backoff, text, DEFAULT)


@given(
    st.one_of(
        st.floats(0, MAX_BASE).map(lambda base: DEFAULT._replace(base=base)),
        st.builds(
            DEFAULT._replace,
            strategy=st.sampled_from([Strategy.FIXED, Strategy.LINEAR]),
            delay=durations,
        ),
        st.builds(
            DEFAULT._replace,
            strategy=st.just(Strategy.LIST),
            delays=st.lists(durations, min_size=1, max_size=5).map(tuple),
        ),
    )
)
def test_a_policy_is_read_back_from_its_short_text(policy: Backoff) -> None:
    assert parse_backoff(format_backoff(policy), DEFAULT) == policy


@given(policies)
def test_a_policy_is_read_back_from_its_record(policy: Backoff) -> None:
    record = policy.as_record()
    assert type(record["strategy"]) is str
    assert backoff_from_json(record, DEFAULT) == policy


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        ({}, DEFAULT),
        ("fixed:5s", DEFAULT._replace(strategy=Strategy.FIXED, delay=5)),
        ({"base": 3}, DEFAULT._replace(base=3)),
        ({"base": 1, "delay": 7}, DEFAULT._replace(base=1, delay=7)),
        ({"strategy": "linear", "delay": 2}, DEFAULT._replace(strategy=Strategy.LINEAR, delay=2)),
        (
            {"strategy": "list", "delays": [1, 2.5], "max": 9, "jitter": 1},
            Backoff(Strategy.LIST, 2, 1, (1, 2.5), 9, 1),
        ),
    ],
)
def test_a_policy_is_read_from_json(value: object, policy: Backoff) -> None:
    assert backoff_from_json(value, DEFAULT) == policy


def test_an_object_takes_base_cap_and_jitter_from_the_default() -> None:
    default = Backoff(base=5, max=7, jitter=0.5)
    assert backoff_from_json({}, default) == default


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (None, "backoff: 'null' is not an object"),
        (5, "backoff: '5' is not an object"),
        (True, "backoff: 'true' is not an object"),
        ([], "backoff: '[]' is not an object"),
        ({"bse": 2}, "unknown field of backoff 'bse': did you mean 'base'?"),
        ({"a\x1b": 2}, r"unknown field of backoff 'a\e'"),
        ({3: 2}, "unknown field of backoff '3'"),
        ({"strategy": "fixd"}, "did you mean 'fixed'?"),
        ({"strategy": None}, "unknown backoff strategy"),
        ({"strategy": ["fixed"]}, "unknown backoff strategy"),
        ({"strategy": 1}, "unknown backoff strategy '1'"),
        ({"strategy": "list"}, "a list of 1 to 1000 delays"),
        ({"strategy": "list", "delays": []}, "a list of 1 to 1000 delays"),
        ({"delays": 5}, "backoff.delays: '5' is not a list"),
        ({"delays": "5"}, "backoff.delays: '5' is not a list"),
        ({"delays": [1, -1]}, "backoff.delays: '-1' is not a number"),
        ({"delays": [True]}, "backoff.delays: 'true' is not a number"),
        ({"delays": ["5s"]}, "backoff.delays: '5s' is not a number"),
        ({"delays": [[1]]}, "backoff.delays: '[1]' is not a number"),
        ({"delays": [math.inf]}, "backoff.delays: 'inf' is not a number"),
        ({"delays": [MAX_DURATION * 2]}, "backoff.delays: "),
        ({"delays": [1] * (MAX_DELAYS + 1)}, "a list of at most 1000 numbers"),
        *(
            ({key: value}, f"backoff.{key}: ")
            for key in ("base", "delay", "max", "jitter")
            for value in NO_NUMBERS
        ),
        ({"base": 1000.5}, "backoff.base: '1000.5' is not a number from 0 to 1000"),
        ({"jitter": 1.01}, "backoff.jitter: '1.01' is not a number from 0 to 1"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else None,
)
def test_an_object_that_is_wrong_is_refused(
    refusal: Callable[..., str], value: Any, part: str
) -> None:
    assert part in refusal(backoff_from_json, value, DEFAULT)


def test_a_zero_has_no_sign() -> None:
    policy = backoff_from_json(
        {"strategy": "list", "base": -0.0, "delay": -0.0, "delays": [-0.0]}, DEFAULT
    )
    assert format_backoff(policy) == "list:0s"
    assert math.copysign(1, policy.base) == math.copysign(1, policy.delay) == 1
