"""A wrong wish for a job is refused in one line that names the field and the value."""

import math
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.errors import InvalidInput, UnknownName
from queuectl.domain.settings import effective
from queuectl.domain.spec import (
    CHECKS,
    MAX_TEXT,
    check_name,
    default_spec,
    overlay,
    spec_from_mapping,
)
from queuectl.domain.strict_json import loads
from queuectl.domain.timing import MAX_DURATION

NOW = 1_800_000_000_000_000
DEFAULT = default_spec(effective({}), "/work")
NAN, INF = math.nan, math.inf
HUGE, ENORMOUS = 10**30, 10**5000  # the latter is one that Python does not even write
SURROGATE = "a\ud800"
LONG = "x" * (MAX_TEXT + 1)
WIDE = "é" * (MAX_TEXT // 2 + 1)  # fewer characters than allowed, more bytes


Refusal = Callable[..., str]


NO_TEXTS: list[Any] = [1, 0, 1.5, True, False, [], ["a"], {}, {"a": 1}, NAN, INF, HUGE, ENORMOUS]
NO_NAMES: list[Any] = [
    *NO_TEXTS,
    *("", " ", "a b", "a/b", "a\n", "a\0", "\x1b[0m", "é", "a\u202e", SURROGATE),
    *("x" * 201, "x" * 10**6),
]
NO_INTEGERS: list[Any] = [
    *(None, True, False, 1.0, 1.5, NAN, INF, -INF, "1", "", "x", [], [1], {}),
    *(1_000_001, HUGE, -HUGE, ENORMOUS, -ENORMOUS),
]
NO_SECONDS: list[Any] = [
    *(True, False, -1, -0.1, NAN, INF, -INF, [], [1], {}, HUGE, ENORMOUS, -ENORMOUS),
    *(MAX_DURATION * 2, "", "x", "-1", "1.5h", "nan", "5\0", "\x1b", SURROGATE),
]
WRONG: dict[str, list[Any]] = {
    "id": [*NO_NAMES, "j1", "j007", "j" + "9" * 199],
    "queue": [*NO_NAMES, None],
    "command": [*NO_TEXTS, "", " ", "\n\t", "a\0b", "\0", SURROGATE, LONG, WIDE],
    "args": [*(value for value in NO_TEXTS if value != ["a"]), "a", "", [1], [None], [["a"]],
             ["a", True], ["a", "b\0"], [""], [" ", "a"], ["a", SURROGATE], ["a", LONG]],
    "priority": [*NO_INTEGERS, -1_000_001],
    "max_retries": [*NO_INTEGERS, -1],
    "delay": NO_SECONDS,
    "timeout": [*NO_SECONDS, 0, 0.0, "0", "0s", -0.0],
    "run_at": [*NO_TEXTS, "", "tomorrow", "2026-02-30", "25:00", "now-1s", "now+1.5h", "12:00\0",
               "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "\x1b", SURROGATE],
    "backoff": [1, True, [], "", "x", "fixed", {"x": 1}, {"base": True}, {"strategy": "list"},
                {"delay": NAN}, {"max": ENORMOUS}, {"\x1b\n": 1}, "fixed:5\0", SURROGATE],
    "env": [1, True, "A=1", [], ["A=1"], [["A", "1"]], {"A": 1}, {"A": None}, {"A": True},
            {"A": ["x"]}, {"": "x"}, {"A=B": "x"}, {"A\0": "x"}, {"A": "x\0"}, {"A": SURROGATE},
            {SURROGATE: "x"}, {"A": "x" * (MAX_TEXT - 1)}, {"x" * MAX_TEXT: ""}, {1: "x"},
            {"A\x1b\n": "x\0"}, {"A\x1b\n": 1}],
    "cwd": [*NO_TEXTS, "", " ", ".", "tmp", "~", "./x", "/a\0", "/" + SURROGATE, "/" + LONG],
    "tags": [1, True, "a", {}, {"a": 1}, [1], [None], [""], ["a b"], ["a,b"], [["a"]], ["é"],
             ["a\n"], ["x" * 201], [f"t{number}" for number in range(101)]],
}  # fmt: skip


def test_every_field_has_wrong_values_to_refuse() -> None:
    assert set(WRONG) == set(CHECKS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(field, value, id=f"{field}-{type(value).__name__}-{number}")
        for field, values in WRONG.items()
        for number, value in enumerate(values)
    ],
)
def test_a_value_that_a_field_cannot_take_is_refused_by_name(
    refusal: Refusal, field: str, value: object
) -> None:
    mapping = {"command": "true", field: value} if field != "args" else {field: value}
    message = refusal(spec_from_mapping, mapping, DEFAULT, NOW)
    assert message.startswith((f"{field}: ", f"{field}.", "unknown ")), message
    assert "'" in message


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"id": "a b"}, "id: 'a b' is not 1 to 200 of letters, digits and ._:-"),
        ({"id": "j5"}, "id: 'j5' is not free: j and digits are for generated ids"),
        ({"command": " "}, "command: ' ' is not a shell line that is not blank"),
        ({"command": 5}, "command: '5' is not a text"),
        ({"args": []}, "args: '[]' is not a list of words, the program first"),
        ({"priority": True}, "priority: 'true' is not an integer from -1000000 to 1000000"),
        ({"priority": 1.0}, "priority: '1.0' is not an integer from -1000000 to 1000000"),
        ({"max_retries": -1}, "max_retries: '-1' is not an integer from 0 to 1000000"),
        ({"timeout": 0}, "timeout: '0' is not more than 0 seconds"),
        ({"run_at": "25:00"}, "run_at: '25:00' is not a time (ISO 8601, HH:MM, or now+DURATION)"),
        ({"cwd": "tmp"}, "cwd: 'tmp' is not an absolute path"),
        ({"env": {"A": 1}}, "env: 'A' is not a variable with a text as its value"),
        ({"env": {"A=": "x"}}, "env: 'A=' is not a variable name without = and NUL"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refusal_says_what_would_be_right(
    refusal: Refusal, mapping: dict[str, Any], message: str
) -> None:
    assert refusal(overlay, mapping, DEFAULT, NOW) == message


@pytest.mark.parametrize(
    "value", ["hunter2\0", SURROGATE + "hunter2", "hunter2" + LONG, ["hunter2"]]
)
def test_the_value_of_a_variable_may_be_a_secret_and_is_never_shown(
    refusal: Refusal, value: object
) -> None:
    message = refusal(overlay, {"env": {"TOKEN": value}}, DEFAULT, NOW)
    assert "'TOKEN'" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("prioritty", "did you mean 'priority'?"),
        ("max-retries", "did you mean 'max_retries'?"),
        ("Command", "did you mean 'command'?"),
        ("tag", "did you mean 'tags'?"),
        ("state", "known: id, command, args, "),
        ("", "known: id, command, args, "),
        ("\x1b\n\ud800", "known: id, command, args, "),
        ("x" * 10**6, "known: id, command, args, "),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_one(
    refusal: Refusal, name: str, hint: str
) -> None:
    with pytest.raises(UnknownName):
        overlay({name: 1}, DEFAULT, NOW)
    message = refusal(overlay, {name: 1}, DEFAULT, NOW)
    assert message.startswith("unknown field '")
    assert hint in message


@pytest.mark.parametrize("name", [1, None, ("a",), 1.5])
def test_a_field_without_a_text_as_its_name_is_unknown(refusal: Refusal, name: object) -> None:
    message = refusal(spec_from_mapping, {"command": "true", name: 1}, DEFAULT, NOW)
    assert message.startswith(f"unknown field '{name}'")


@pytest.mark.parametrize("value", [None, 5, True, "true", [], [{"command": "a"}], NAN])
def test_a_job_is_an_object(refusal: Refusal, value: object) -> None:
    assert " is not a JSON object" in refusal(spec_from_mapping, value, DEFAULT, NOW)


@pytest.mark.parametrize("mapping", [{}, {"priority": 1}, {"command": None}, {"args": None}])
def test_a_job_needs_a_command(refusal: Refusal, mapping: dict[str, Any]) -> None:
    assert refusal(spec_from_mapping, mapping, DEFAULT, NOW).startswith("a job needs a command")


@given(st.text(st.characters(exclude_categories=())))
def test_a_name_has_no_character_that_needs_care(refusal: Refusal, text: str) -> None:
    try:
        check_name("queue", text)
    except InvalidInput:
        refusal(check_name, "queue", text)
    else:
        assert set(text) <= {*string.ascii_letters, *string.digits, *"._:-"}


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(exclude_categories=())),
        st.sampled_from(["/tmp", "now", "5m", "fixed:5s", "none", "12:00", HUGE]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)


@given(st.dictionaries(st.one_of(st.sampled_from(sorted(CHECKS)), st.text()), anything))
def test_any_object_is_a_job_that_can_be_kept_or_is_refused(
    refusal: Refusal, mapping: dict[str, Any]
) -> None:
    try:
        spec = spec_from_mapping(mapping, DEFAULT, NOW)
    except InvalidInput:
        refusal(spec_from_mapping, mapping, DEFAULT, NOW)
        return
    assert (spec.command is None) != (spec.args is None)
    assert spec.run_at is None or spec.delay is None
    assert "\0" not in repr(spec)
    repr(spec).encode()


@given(st.sampled_from(sorted(CHECKS)), anything)
def test_any_value_of_a_field_is_kept_or_refused(
    refusal: Refusal, field: str, value: object
) -> None:
    mapping: dict[str, Any] = {} if field == "args" else {"command": "true"}
    try:
        spec_from_mapping({**mapping, field: value}, DEFAULT, NOW)
    except InvalidInput:
        refusal(spec_from_mapping, {**mapping, field: value}, DEFAULT, NOW)


def test_a_deep_nest_is_refused_in_words(refusal: Refusal) -> None:
    for depth in (100, 500, 900):
        value = loads("[" * depth + "]" * depth)
        for field in ("command", "priority", "tags", "backoff", "run_at"):
            refusal(overlay, {field: value}, DEFAULT, NOW)
