"""Strict JSON is what the standard decoder takes, less NaN and duplicate keys."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queuectl.domain.strict_json import BadJson, cut, is_incomplete, loads

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=())),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)
containers = st.one_of(st.lists(values, max_size=3), st.dictionaries(st.text(), values))


@st.composite
def written(draw: st.DrawFn, of: st.SearchStrategy[Any]) -> str:
    """A JSON text in one of the many ways in which it can be written."""
    return json.dumps(
        draw(of),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 0, 1, "\t"])),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\r\n", " :\t")])),
    )


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A JSON text in which something was put, taken away or said twice."""
    text = draw(written(values))
    begin = draw(st.integers(0, len(text)))
    end = draw(st.integers(begin, min(len(text), begin + 3)))
    pieces = ["", "NaN", "-Infinity", "\xa0", "\x0b", "\ufeff", '"a":1,"a":1', '{"a":1,"a":1}']
    return text[:begin] + draw(st.one_of(st.sampled_from(pieces), st.text())) + text[end:]


def lax(text: str) -> Any:
    """The judgement of the standard decoder, told to refuse what JSON does not know."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            raise ValueError(keys)
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)


@given(st.one_of(written(values), damaged(), st.text(), st.text('[]{}",:0123.e-+truefalsn \\u')))
@settings(max_examples=400)
def test_it_takes_exactly_what_the_standard_decoder_takes_less_its_laxness(
    refusal: Callable[..., str], text: str
) -> None:
    try:
        wanted = lax(text)
    except ValueError:
        assert refusal(loads, text).startswith("invalid JSON: ")
    else:
        assert repr(loads(text)) == repr(wanted)


@given(written(values))
def test_what_was_written_is_read_back(text: str) -> None:
    assert json.dumps(loads(text)) == json.dumps(json.loads(text))


@given(written(values), st.text(" \t\r\n"), st.text(" \t\r\n"))
def test_blanks_around_a_value_mean_nothing(text: str, before: str, behind: str) -> None:
    assert repr(loads(before + text + behind)) == repr(loads(text))


@given(written(containers), st.text())
def test_a_value_is_cut_off_what_follows_it(text: str, rest: str) -> None:
    value, end = cut(f"  {text}{rest}")
    assert repr(value) == repr(json.loads(text))
    assert end == 2 + len(text)


@pytest.mark.parametrize("rest", [" | cmd", "> file", " >> a && b", ";", "}"])
def test_the_index_behind_a_value_is_where_the_shell_goes_on(rest: str) -> None:
    text = '{"command":"a | b > c; d && e"}'
    assert cut(text + rest) == ({"command": "a | b > c; d && e"}, len(text))


@given(written(containers))
def test_every_beginning_of_an_object_or_array_is_incomplete_and_all_of_it_is_not(
    text: str,
) -> None:
    assert not is_incomplete(text)
    for end in range(len(text)):
        assert is_incomplete(text[:end]), text[:end]


@given(written(containers), st.text(max_size=3))
def test_a_text_with_something_behind_its_value_is_not_incomplete(text: str, rest: str) -> None:
    assert not is_incomplete(text + rest)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "[", "{", '"', "-", "[-", "[1.", "[1.5e", "[1e-", "[t", "[fals", "[nul"),
        *('"\\', '"\\u', '"\\u12a', '"\\ud83d', '"\\ud83d\\', '"\\ud83d\\u', '"\\ud83d\\ude0'),
        *('{"a', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a": tru', "[1, \n", "[[{}]", "tru"),
    ],
)
def test_a_text_that_breaks_off_anywhere_is_incomplete(text: str) -> None:
    assert is_incomplete(text)


@pytest.mark.parametrize(
    "text",
    [
        *("{}", "[]", "1", "true", "[1]]", "{a", "{'a'", '{"a" tru', '{"a",', "[,", "[1 2"),
        *(
            "[1,]",
            '{"a":1,}',
            "[tru ",
            "[trux",
            "[nulll",
            "[01",
            "[01.",
            "[1-",
            "[+",
            "[.5",
            "[1.e",
        ),
        *("[1e ", '"\\u12 ', '"\\u12g', '"\\q', '["a\n', '["a\x01', "]", "}", "[NaN", "[-I", "N"),
        *('{"a":1,"a":2}', "[1, \xa0", "\xa0{", "[\x0b", "[\ufeff", "[" * 100_000, "1" * 5000),
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_a_text_that_no_more_text_can_mend_is_not_incomplete(text: str) -> None:
    assert not is_incomplete(text)


def test_a_beginning_is_judged_alike_while_another_error_is_handled() -> None:
    try:
        loads('{"a": ')
    except BadJson:
        assert not is_incomplete("[NaN")
        assert is_incomplete("[")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value at column 1"),
        ("{'a':1}", "Expecting property name enclosed in double quotes at column 2"),
        ('["a', "Unterminated string starting at column 2"),
        ('["\x1b"]', "Invalid control character at column 3"),
        ("[1,\n 2 3]", "Expecting ',' delimiter at line 2 column 4"),
        ("NaN", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ('{"a":1,"b":{"c":1,"c":2}}', "the key 'c' stands twice in one object"),
        ('{"a":1,"\\u0061":2}', "the key 'a' stands twice in one object"),
        ('{"\\u001b[2J":1,"\\u001b[2J":2}', r"the key '\e[2J' stands twice in one object"),
        ("{} x", "something follows the value at column 4"),
        ("{}\n x", "something follows the value at line 2 column 2"),
        ("{}{}", "something follows the value at column 3"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "a number has too many digits"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_a_refusal_says_what_is_wrong_and_where(
    refusal: Callable[..., str], text: str, message: str
) -> None:
    assert refusal(loads, text) == f"invalid JSON: {message}"


def test_a_key_of_any_length_is_named_in_short(refusal: Callable[..., str]) -> None:
    key = "k" * 10**6
    assert "'kkkk" in refusal(loads, f'{{"{key}":1,"{key}":2}}')


def test_a_duplicate_key_in_a_large_object_is_found_at_once(refusal: Callable[..., str]) -> None:
    pairs = ",".join(f'"{number}":0' for number in range(100_000))
    assert "the key '99999' stands twice" in refusal(loads, f'{{{pairs},"99999":1}}')


def test_a_number_too_large_for_a_float_is_infinite_and_left_to_the_checks() -> None:
    assert loads("1e999") == float("inf")
