"""A wish for a job is checked field by field, with every default filled in."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from queuectl.domain.job import JobSpec
from queuectl.domain.retry import Backoff, Strategy
from queuectl.domain.settings import effective
from queuectl.domain.spec import (
    CHECKS,
    MAX_TEXT,
    check_name,
    default_spec,
    finished,
    overlay,
    spec_from_mapping,
)
from queuectl.domain.timing import MAX_DURATION, parse_time

NOW = 1_800_000_000_000_000
DEFAULT = default_spec(effective({}), "/work")
Refusal = Callable[..., str]


def job(**fields: Any) -> JobSpec:
    return spec_from_mapping({"command": "true", **fields}, DEFAULT, NOW)


def test_a_command_alone_is_a_job_with_every_default() -> None:
    assert spec_from_mapping({"command": "echo hi"}, DEFAULT, NOW) == JobSpec(
        id=None,
        command="echo hi",
        args=None,
        queue="default",
        priority=0,
        max_retries=3,
        run_at=None,
        delay=None,
        timeout=None,
        backoff=Backoff(),
        env=None,
        cwd="/work",
        tags=(),
    )


def test_every_field_of_a_job_is_taken() -> None:
    assert spec_from_mapping(
        {
            "id": "nightly:a.b_c-1",
            "args": ["echo", "a b", ""],
            "queue": "mail",
            "priority": -7,
            "max_retries": 0,
            "delay": 1.5,
            "timeout": "2h30m",
            "backoff": {"strategy": "fixed", "delay": 2, "max": 9, "jitter": 0.5},
            "env": {"A": "1", "B": ""},
            "cwd": "/tmp",
            "tags": ["x", "y", "x"],
        },
        DEFAULT,
        NOW,
    ) == JobSpec(
        id="nightly:a.b_c-1",
        command=None,
        args=("echo", "a b", ""),
        queue="mail",
        priority=-7,
        max_retries=0,
        run_at=None,
        delay=1.5,
        timeout=9000,
        backoff=Backoff(Strategy.FIXED, 2, 2, (), 9, 0.5),
        env={"A": "1", "B": ""},
        cwd="/tmp",
        tags=("x", "y"),
    )


def test_there_is_a_check_for_every_field() -> None:
    assert set(CHECKS) == set(JobSpec._fields)


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("id", "a", "a"),
        ("id", "x" * 200, "x" * 200),
        ("id", "j", "j"),
        ("id", "j1a", "j1a"),
        ("id", "J1", "J1"),
        ("id", "-rf", "-rf"),
        ("id", None, None),
        ("command", "a\nb\t\x1b", "a\nb\t\x1b"),
        ("command", " x ", " x "),
        ("command", "x" * MAX_TEXT, "x" * MAX_TEXT),
        ("command", "echo 日本", "echo 日本"),
        ("priority", 1_000_000, 1_000_000),
        ("priority", -1_000_000, -1_000_000),
        ("max_retries", 1_000_000, 1_000_000),
        ("delay", 0, 0),
        ("delay", "90", 90),
        ("delay", MAX_DURATION, MAX_DURATION),
        ("delay", None, None),
        ("timeout", 1, 1),
        ("timeout", 1e-9, 1e-9),
        ("timeout", "250ms", 0.25),
        ("timeout", "none", None),
        ("timeout", None, None),
        ("run_at", "now+1m", NOW + 60_000_000),
        ("run_at", "2027-01-15T09:00:00+01:00", NOW),
        ("run_at", "9999-12-31T00:00:00Z", parse_time("9999-12-31T00:00:00Z", 0)),
        ("run_at", None, None),
        ("backoff", None, Backoff()),
        ("backoff", "list:1s,5s", Backoff(Strategy.LIST, delays=(1, 5))),
        ("env", None, None),
        ("env", {}, None),
        ("env", {"a b": "c=d\n"}, {"a b": "c=d\n"}),
        ("env", {"A": "x" * (MAX_TEXT - 2)}, {"A": "x" * (MAX_TEXT - 2)}),
        ("cwd", None, "/work"),
        ("cwd", "/a b/é", "/a b/é"),
        ("tags", None, ()),
        ("tags", [], ()),
        ("tags", [f"t{number}" for number in range(100)], tuple(f"t{n}" for n in range(100))),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_value_is_kept(field: str, value: object, kept: object) -> None:
    assert getattr(job(**{field: value}), field) == kept


@pytest.mark.parametrize(
    "pair",
    [
        {"command": "a", "args": ["a"]},
        {"run_at": "now", "delay": 5},
        {"run_at": "now", "delay": 0},
    ],
)
def test_fields_that_exclude_each_other_are_refused_together(
    refusal: Refusal, pair: dict[str, Any]
) -> None:
    one, other = pair
    for mapping in (pair, dict(reversed(pair.items()))):
        message = refusal(overlay, mapping, DEFAULT, NOW)
        assert message == f"{one} and {other} exclude each other: give one of them"


def test_a_field_without_a_value_excludes_nothing() -> None:
    spec = job(args=None, run_at=None, delay=5)
    assert (spec.command, spec.args, spec.run_at, spec.delay) == ("true", None, None, 5)


def test_a_field_that_is_given_displaces_the_default_that_it_excludes() -> None:
    delayed = DEFAULT._replace(command="a", delay=5)
    assert overlay({"run_at": "now"}, delayed, NOW)[6:8] == (NOW, None)
    assert overlay({"args": ["b"]}, delayed, NOW)[1:3] == (None, ("b",))
    timed = DEFAULT._replace(args=("a",), run_at=NOW)
    assert overlay({"delay": 5}, timed, NOW)[6:8] == (None, 5)
    assert overlay({"command": "b"}, timed, NOW)[1:3] == ("b", None)


def test_defaults_stay_where_nothing_is_given_and_are_never_changed() -> None:
    default = DEFAULT._replace(
        queue="q", priority=5, timeout=9, delay=3, env={"A": "1", "B": "2"}, tags=("x",)
    )
    before = (*default[:10], dict(default.env or {}), *default[11:])
    spec = overlay({"command": "a", "env": {"B": "3"}, "tags": ["y", "x"]}, default, NOW)
    assert (spec.queue, spec.priority, spec.timeout, spec.delay) == ("q", 5, 9, 3)
    assert spec.env == {"A": "1", "B": "3"}
    assert spec.tags == ("x", "y")
    assert tuple(default) == before


def test_tags_are_counted_together_with_those_of_the_default(refusal: Refusal) -> None:
    default = DEFAULT._replace(command="a", tags=tuple(f"d{number}" for number in range(60)))
    own = [f"t{number}" for number in range(41)]
    assert "at most 100 tags" in refusal(overlay, {"tags": own}, default, NOW)
    assert len(overlay({"tags": [*own[1:], "d1"]}, default, NOW).tags) == 100


def test_a_timeout_of_none_takes_the_default_away() -> None:
    default = DEFAULT._replace(timeout=9)
    for nothing in (None, "none"):
        assert overlay({"command": "a", "timeout": nothing}, default, NOW).timeout is None


def test_a_delay_of_minus_zero_is_nothing() -> None:
    delay = job(delay=-0.0).delay
    assert delay is not None
    assert math.copysign(1, delay) == 1


@pytest.mark.parametrize("cwd", ["relative", "", "/a\0b", "/caf\udce9"])
def test_a_default_folder_that_cannot_be_kept_is_refused(refusal: Refusal, cwd: str) -> None:
    assert refusal(default_spec, effective({}), cwd).startswith("cwd: '")


def test_a_default_folder_may_be_missing() -> None:
    assert default_spec(effective({}), None).cwd is None


def test_the_settings_in_force_are_the_defaults() -> None:
    stored = {"max_retries": "7", "timeout": "5m", "backoff_base": "3", "backoff_max": "1m"}
    default = default_spec(effective(stored), None)
    assert (default.max_retries, default.timeout) == (7, 300)
    assert default.backoff == Backoff(base=3, max=60)


def test_a_finished_spec_is_itself() -> None:
    spec = DEFAULT._replace(args=("a",))
    assert finished(spec) is spec


@pytest.mark.parametrize("name", ["a", "A.b_c:d-9", "x" * 200])
def test_a_name_is_kept(name: str) -> None:
    assert check_name("queue", name) == name
