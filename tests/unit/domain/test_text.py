"""Text from jobs is made visible, and JSON told apart from shell lines."""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.text import last_line, looks_like_json, nearest, quoted, visible

EVERY_CHARACTER = "".join(map(chr, range(sys.maxunicode + 1)))


def test_nothing_that_steers_a_terminal_stays_in_visible_text(
    is_harmless: Callable[[str], bool],
) -> None:
    shown = visible(EVERY_CHARACTER)
    assert is_harmless(shown)
    assert len(shown.splitlines()) == 1


@given(st.text(st.characters(exclude_categories=())))
def test_visible_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert visible(shown) == shown
    shown.encode()


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_plain_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x1b[2J", r"\e[2J"),
        ("\x00\x07\x7f\x9b", r"\0\x07\x7f\x9b"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        (b"caf\xe9".decode(errors="surrogateescape"), r"caf\xe9"),
        ("\ud800", r"\ud800"),
        ("naïve 日本 🙂", "naïve 日本 🙂"),
    ],
)
def test_a_control_character_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_a_quoted_text_is_short(text: str) -> None:
    assert len(quoted(text * 100)) <= 82


@pytest.mark.parametrize(
    "word",
    [
        '{"command":"a"}',
        '{ "command": "a" }',
        '{\n  "command": "a"\n}',
        "{}",
        "{ }",
        "{\t\n }",
        "{",
        "{a",
        "{a: 1}",
        "{'command': 'a'}",
        "{{",
        "{,",
        "[",
        "[ ",
        "[ \n",
        "[]",
        "[ ]",
        "[{",
        '[ {"command":"a"}]',
        '[\n{"command":"a"}]',
        '  {"command":"a"}',
        '\n[{"command":"a"}]',
    ],
)
def test_what_begins_like_an_object_or_a_list_of_objects_is_json(word: str) -> None:
    assert looks_like_json(word)


@pytest.mark.parametrize(
    "word",
    [
        "",
        " ",
        "echo hi",
        "{ echo a; }",
        "{ a",
        "{ ",
        "{\n",
        "{\techo a\n}",
        "{ {",
        "[ -f x ] && rm x",
        "[ -f x ]",
        "[[ -f x ]]",
        "[1, 2]",
        '["a"]',
        "[a-z]*",
        '"{}"',
        "(echo a)",
        "echo {}",
        "echo [{}]",
        "true",
        "5",
    ],
)
def test_anything_else_is_a_shell_line(word: str) -> None:
    assert not looks_like_json(word)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("max-retries", "max_retries"),
        ("MAX_RETRIES", "max_retries"),
        ("max_retry", "max_retries"),
        ("quue", "queue"),
        ("xyz", None),
        ("", None),
        ("queue" * 10**5, None),
    ],
)
def test_the_nearest_name_is_one_that_is_close(name: str, found: str | None) -> None:
    assert nearest(name, ["queue", "max_retries", "run_at"]) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        (" \n\t\n", None),
        ("one", "one"),
        ("one\ntwo\n", "two"),
        ("one\n  two  \n\n \n", "two"),
        ("10%\r50%\rdisk full\r", "disk full"),
    ],
)
def test_the_last_line_is_the_last_that_is_not_blank(text: str, line: str | None) -> None:
    assert last_line(text) == line
