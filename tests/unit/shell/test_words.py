"""Lines are split as sh splits them, and JSON is left alone."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queuectl.shell.words import (
    BadSyntax,
    JobGrammar,
    Operator,
    UnfinishedJson,
    Word,
    split,
    stray_operator,
    unquote,
)

# What sh would expand or take for an operator stays out: the shell here does no such thing.
PLAIN = st.sampled_from("ab=1.,{}[]:%+@/")
PIECE = st.one_of(
    st.text(PLAIN, min_size=1),
    st.text(st.sampled_from('ab |>;&*$"\\{}'), max_size=5).map(lambda text: f"'{text}'"),
    st.text(st.sampled_from("ab |>;&*'{}"), max_size=5).map(lambda text: f'"{text}"'),
    st.sampled_from([r"\ ", r"\|", r"\"", r"\\", r"\'", r"\a", r'"\""', r'"\\"', r'"\$"', r'"\a"']),
)
LINE = st.lists(st.lists(PIECE, min_size=1).map("".join), max_size=5).map(" ".join)


def texts(line: str, grammar: JobGrammar | None = None) -> list[str]:
    return [found.text for found in split(line, grammar) if isinstance(found, Word)]


def job(line: str) -> list[str]:
    with_values = {"--queue", "--template"}
    return texts(line, JobGrammar(lambda word: word in with_values))


@settings(max_examples=60, deadline=None)
@given(LINE)
def test_words_are_those_of_sh(line: str) -> None:
    script = f"for word in {line}\ndo printf '%s\\0' \"$word\"; done"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True, text=True)
    assert texts(line) == done.stdout.split("\0")[:-1]


@given(st.text())
def test_every_text_is_split_without_a_rest_or_refused(line: str) -> None:
    end = 0
    try:
        for found in split(line, JobGrammar(lambda word: False)):
            assert not line[end : found.start].strip()
            assert found.raw == line[found.start : found.end] != ""
            end = found.end
    except (BadSyntax, UnfinishedJson):
        return
    assert not line[end:].strip()


@pytest.mark.parametrize("line", ["list | grep x", "list|grep x", "list |grep x"])
def test_a_pipe_is_found_with_and_without_blanks(line: str) -> None:
    operators = [found.raw for found in split(line) if isinstance(found, Operator)]
    assert operators == ["|"]


@pytest.mark.parametrize("line", ["'a | b'", '"a > b"', r"a\|b", '--x="a|b"'])
def test_nothing_is_an_operator_inside_of_quotes(line: str) -> None:
    assert not [found for found in split(line) if isinstance(found, Operator)]


@pytest.mark.parametrize("line", ["'a", 'x "b', "it's"])
def test_a_quote_that_is_not_closed_is_refused(line: str) -> None:
    with pytest.raises(BadSyntax, match="a quote is not closed"):
        list(split(line))


@pytest.mark.timeout(60)
def test_a_long_quote_that_is_not_closed_is_refused_at_once() -> None:
    with pytest.raises(BadSyntax):
        list(split('"' + "a" * 1_000_000))


@pytest.mark.parametrize(
    "text",
    [
        '{"command":"a | b > c; d && e"}',
        '{"command": "it\'s \\"quoted\\" \\\\ $HOME `x` \\u2028"}',
        '[{"command":"a|b"}, {"args":["x", ">", "y"]}]',
        '{\n  "command": "a"\n}',
        "{}",
    ],
)
def test_json_is_one_word_exactly_as_written(text: str) -> None:
    assert job(text) == [text]
    assert job(f"{text} --wait") == [text, "--wait"]
    assert job(f"--queue q --wait {text}") == ["--queue", "q", "--wait", text]


@pytest.mark.parametrize(
    "text", ['{"a":nope} | cat', '{"a":1,"a":2} | cat', '{"command":"x"}junk', "[{},,] > f"]
)
def test_broken_json_takes_the_rest_of_the_line_along(text: str) -> None:
    assert job(text) == [text]


@pytest.mark.parametrize(
    "text", ["{", "{ ", "{\n\n ", "[ ", '{"command":', '{"command":"a', "[", "[{}", '[{"a":1},\n']
)
def test_json_that_could_go_on_is_unfinished(text: str) -> None:
    with pytest.raises(UnfinishedJson):
        job(text)
    whole = JobGrammar(lambda word: False, is_whole=True)
    assert [word.text for word in split(text, whole) if isinstance(word, Word)] == [text]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{ echo a; }", ["{", "echo", "a;", "}"]),
        ('echo {"a":"b c"}', ["echo", "{a:b c}"]),
        ('-- {"a":1}', ["--", "{a:1}"]),
        ("--template {}.png -", ["--template", "{}.png", "-"]),
        ('- {"a":"b c"}', ["-", '{"a":"b c"}']),
    ],
)
def test_only_words_that_may_be_json_are_taken_for_it(line: str, words: list[str]) -> None:
    assert job(line) == words


@pytest.mark.parametrize(
    ("line", "stray"),
    [
        ("sleep 1 && echo x", "&&"),
        ("make; make test", "make;"),
        ("sleep 9 &", "&"),
        ("sort < x", "<"),
        ("'a && b'", None),
        ("-- find . -exec ls ;", None),
        ('{"command":"a && b;"}', None),
        ("echo '&&'", None),
    ],
)
def test_an_operator_of_sh_among_the_words_of_a_program_is_noticed(
    line: str, stray: str | None
) -> None:
    found = stray_operator(
        word for word in split(line, JobGrammar(lambda word: False)) if isinstance(word, Word)
    )
    assert (found and found.raw) == stray


def test_a_backslash_before_a_newline_joins_the_lines() -> None:
    assert unquote("a\\\nb") == "ab"
    assert unquote('"a\\\nb"') == "ab"
