"""Settings have a type, a range and a default; a value that does not fit is refused by name."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.errors import BadValue, UnknownName
from queuectl.domain.retry import Backoff
from queuectl.domain.settings import (
    SETTINGS,
    Kind,
    Setting,
    Settings,
    Value,
    describe_range,
    effective,
    find_setting,
    format_value,
    parse_value,
)
from queuectl.domain.text import visible

every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
NUMERIC = {key: one for key, one in SETTINGS.items() if one.kind is not Kind.PATTERNS}
every_numeric_setting = pytest.mark.parametrize("setting", NUMERIC.values(), ids=NUMERIC)


def test_the_defaults_are_those_of_the_design() -> None:
    assert effective({}) == Settings(
        max_retries=3,
        backoff_base=2,
        backoff_max=3600,
        backoff_jitter=0,
        timeout=None,
        shutdown_grace=30,
        kill_grace=5,
        long_wait=300,
        output_limit=8 * 1024 * 1024,
        heartbeat=5,
        lease=30,
        poll=1,
        keep_days=30,
        keep_jobs=None,
        secret_names=SETTINGS["secret_names"].default,
    )


def test_there_is_one_setting_for_each_name() -> None:
    assert tuple(SETTINGS) == Settings._fields
    assert all(key == setting.key and setting.meaning for key, setting in SETTINGS.items())


@every_setting
def test_a_default_lies_in_its_range_and_is_read_back(setting: Setting) -> None:
    assert parse_value(setting, format_value(setting, setting.default)) == setting.default


@every_numeric_setting
def test_the_bounds_belong_to_the_range(setting: Setting) -> None:
    for bound in (setting.low, setting.high):
        assert parse_value(setting, format_value(setting, bound)) == bound


PATTERNS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=",="), min_size=1, max_size=200
).filter(lambda text: visible(text) == text and text.lower() != "none")


@st.composite
def settings_with_values(draw: st.DrawFn) -> tuple[Setting, Value]:
    setting = draw(st.sampled_from(sorted(SETTINGS.values())))
    match setting.kind:
        case Kind.INTEGER | Kind.SIZE:
            value: Value = draw(st.integers(int(setting.low), int(setting.high)))
        case Kind.NUMBER:
            value = draw(st.floats(setting.low, setting.high))
        case Kind.DURATION:
            bounds = (round(bound * 1_000_000) for bound in (setting.low, setting.high))
            value = draw(st.integers(*bounds)) / 1_000_000
        case Kind.PATTERNS:
            value = tuple(draw(st.lists(PATTERNS, min_size=1, max_size=100, unique=True)))
    return setting, draw(st.sampled_from([value, None] if setting.optional else [value]))


@given(settings_with_values())
def test_a_value_is_read_back_as_it_was_written(case: tuple[Setting, Value]) -> None:
    setting, value = case
    text = format_value(setting, value)
    assert parse_value(setting, text) == value
    assert parse_value(setting, f"  {text.upper() if value is None else text}\n") == value


MISFITS = [
    *("", " ", "x", "true", "null", "-1", "-0.5", "1e999", "nan", "inf", "-inf", "infinity"),
    *("9" * 30, "9" * 5000, "0x10", "1_000", "1,5", "٣", "\uff13", "½", "1 2", "--1", "[]"),
    *("5\x00", "5\x1b[0m", "\ud800", "5\n5", "5 apples", "x" * 10_000, "none none"),
]


@every_numeric_setting
def test_a_value_that_does_not_fit_is_refused_by_name(
    refusal: Callable[..., str], setting: Setting
) -> None:
    for text in MISFITS:
        message = refusal(parse_value, setting, text)
        assert message.startswith(f"{setting.key}: '")
        assert message.endswith(f" is not {describe_range(setting)}")


@every_numeric_setting
def test_a_value_just_out_of_range_is_refused(
    refusal: Callable[..., str], setting: Setting
) -> None:
    step = 1 if setting.kind in (Kind.INTEGER, Kind.SIZE) else 0.0001
    beyond = [setting.high + step]
    if setting.low > 0:
        beyond.append(setting.low - step)
    for value in beyond:
        assert setting.key in refusal(parse_value, setting, format_value(setting, value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("*token*", ("*token*",)),
        (" A_* ,b?,[cd]* ", ("A_*", "b?", "[cd]*")),
        ("a,a,b", ("a", "b")),
        ("größe_*", ("größe_*",)),
        ("*", ("*",)),
        ("none", None),
        ("", None),
        ("  ", None),
    ],
)
def test_patterns_are_read(text: str, value: Value) -> None:
    assert parse_value(SETTINGS["secret_names"], text) == value


@pytest.mark.parametrize(
    "text",
    [",", "a,", ",a", "a,,b", "a b", "a=b", "a\x00", "a\x1b[0m", "\ud800", "a\nb", "x" * 201,
     ",".join(map(str, range(101)))],
)  # fmt: skip
def test_patterns_that_can_match_no_name_are_refused(
    refusal: Callable[..., str], text: str
) -> None:
    message = refusal(parse_value, SETTINGS["secret_names"], text)
    assert message.startswith("secret_names: '")
    assert message.endswith(" is not 1 to 100 patterns of names like *token*, with commas, or none")


@every_setting
def test_none_is_a_value_of_optional_settings_only(setting: Setting) -> None:
    if setting.optional:
        assert parse_value(setting, "none") is None
    else:
        with pytest.raises(BadValue, match=setting.key):
            parse_value(setting, "none")


@pytest.mark.parametrize(
    ("key", "text"),
    [("max_retries", "3.0"), ("max_retries", "3s"), ("keep_jobs", "1e3"), ("backoff_base", "2s"),
     ("backoff_jitter", "10%"), ("timeout", "1.5h"), ("timeout", "5 m"), ("output_limit", "8 XiB"),
     ("output_limit", "MiB"), ("output_limit", "8m8"), ("output_limit", "1023"),
     ("output_limit", "1e9 GiB"), ("keep_days", "30d")],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(
    refusal: Callable[..., str], key: str, text: str
) -> None:
    assert f"{key}: '{text}' is not " in refusal(parse_value, SETTINGS[key], text)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("max_retries", "0", 0),
        ("max_retries", "+5", 5),
        ("backoff_base", "1.5", 1.5),
        ("backoff_base", "2.0", 2),
        ("backoff_jitter", "-0.0", 0),
        ("timeout", "2h30m", 9000),
        ("timeout", "250ms", 0.25),
        ("timeout", "NONE", None),
        ("output_limit", "1024", 1024),
        ("output_limit", "8 MiB", 8 * 1024**2),
        ("output_limit", "8mib", 8 * 1024**2),
        ("output_limit", "8M", 8 * 1024**2),
        ("output_limit", "8MB", 8 * 10**6),
        ("output_limit", "1.5KiB", 1536),
        ("output_limit", "1TiB", 1024**4),
    ],
)
def test_a_value_is_read(key: str, text: str, value: Value) -> None:
    assert parse_value(SETTINGS[key], text) == value


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("max_retries", 1_000_000, "1000000"),
        ("keep_jobs", 10**12, "1000000000000"),
        ("backoff_base", 2.0, "2"),
        ("backoff_jitter", 0.1, "0.1"),
        ("backoff_max", 3600, "1h"),
        ("timeout", None, "none"),
        ("output_limit", 8 * 1024**2, "8 MiB"),
        ("output_limit", 1536, "1536 B"),
    ],
)
def test_a_value_is_written(key: str, value: Value, text: str) -> None:
    assert format_value(SETTINGS[key], value) == text


@pytest.mark.parametrize("key", ["max_retries", "max-retries", "MAX-Retries", " max_retries "])
def test_a_setting_is_found_with_hyphens_and_in_any_case(key: str) -> None:
    assert find_setting(key) is SETTINGS["max_retries"]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("max-retry", "did you mean 'max_retries'?"),
        ("backof_base", "did you mean 'backoff_base'?"),
        ("", "known: max_retries, "),
        ("xyz\x1b\n", "known: max_retries, "),
    ],
)
def test_an_unknown_setting_is_refused(refusal: Callable[..., str], key: str, hint: str) -> None:
    with pytest.raises(UnknownName):
        find_setting(key)
    message = refusal(find_setting, key)
    assert message.startswith("unknown setting '")
    assert hint in message


def test_stored_settings_lie_over_the_defaults_and_unknown_ones_are_left_alone() -> None:
    found = effective({"max_retries": "7", "timeout": "5m", "of_a_later_version": "?"})
    assert found == effective({})._replace(max_retries=7, timeout=300)


def test_a_stored_setting_that_does_not_fit_is_named(refusal: Callable[..., str]) -> None:
    assert "poll: 'soon' is not a duration" in refusal(effective, {"poll": "soon"})


def test_the_settings_say_how_a_job_that_names_no_policy_is_retried() -> None:
    found = effective({"backoff_base": "3", "backoff_max": "1m", "backoff_jitter": "0.5"})
    assert found.backoff == Backoff(base=3, max=60, jitter=0.5)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("max_retries", "an integer from 0 to 1000000"),
        ("backoff_jitter", "a number from 0 to 1"),
        ("timeout", "a duration from 0.001s to 36600d, or none"),
        ("output_limit", "a size from 1 KiB to 1024 GiB"),
    ],
)
def test_a_range_is_described_in_words(key: str, words: str) -> None:
    assert describe_range(SETTINGS[key]) == words
