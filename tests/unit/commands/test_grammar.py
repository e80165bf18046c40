"""The same words mean the same to argparse and to cmd2's parser, and errors say what is right."""

from argparse import Namespace

import pytest
from cmd2 import Cmd2ArgumentParser

from queuectl.commands.failures import UsageError
from queuectl.commands.grammar import OneShotParser, StrictParser, build_parser
from queuectl.commands.registry import COMMANDS, find_command
from queuectl.domain.errors import InvalidInput, UnknownName


class ShellParser(StrictParser, Cmd2ArgumentParser):
    """As the shell has it."""


@pytest.fixture(params=[OneShotParser, ShellParser], ids=["argparse", "cmd2"])
def parser_class(request: pytest.FixtureRequest) -> type[StrictParser]:
    kind: type[StrictParser] = request.param
    return kind


def _parse(parser_class: type[StrictParser], command: str, *words: str) -> Namespace:
    return build_parser(find_command(command), parser_class).parse_args(list(words))


@pytest.mark.parametrize(
    "words",
    [
        ["echo", "hi", "--wait"],
        ["echo", "--priority", "7", "--", "-x"],
        ["--", "--wait"],
        ["--", "{}", "-"],
        ["true", "-"],
        ["a b", '{"x":1}', "--priority"],
        ["{ echo; }", "--lines"],
    ],
)
def test_after_its_first_word_everything_belongs_to_the_program(
    parser_class: type[StrictParser], words: list[str]
) -> None:
    args = _parse(parser_class, "enqueue", "--priority", "5", "--env", "-A=1", "--tag=x", *words)
    assert (args.words, args.priority, args.env, args.tag) == (words, "5", ["-A=1"], ["x"])
    assert (args.wait, args.lines) == (False, False)


@pytest.mark.parametrize("first", ["-", '{"command":"x"}', "[]", "{broken", "[{"])
def test_options_may_follow_json_and_standard_input(
    parser_class: type[StrictParser], first: str
) -> None:
    words = ["--id", "a", first, "--priority", "-5", "--wait", "--env=A=1", "--delay", "1h"]
    args = _parse(parser_class, "enqueue", *words)
    assert (args.words, args.id, args.priority) == ([first], "a", "-5")
    assert (args.wait, args.env, args.delay) == (True, ["A=1"], "1h")


def test_nothing_else_may_follow_json(parser_class: type[StrictParser]) -> None:
    with pytest.raises(UsageError, match="unexpected word 'b' after the JSON"):
        _parse(parser_class, "enqueue", "{}", "--wait", "b")


def test_a_value_may_begin_with_a_dash(parser_class: type[StrictParser]) -> None:
    assert _parse(parser_class, "list", "--sort", "-created", "--all").sort == "-created"
    assert _parse(parser_class, "dlq", "list", "--tag", "-x").tag == ["-x"]
    assert _parse(parser_class, "config", "set", "max_retries", "-1").value == "-1"
    assert _parse(parser_class, "cancel", "--", "-a", "--b").ids == ["-a", "--b"]


def test_ids_and_options_may_be_mixed(parser_class: type[StrictParser]) -> None:
    args = _parse(parser_class, "wait", "a", "--timeout", "5m", "b")
    assert (args.ids, args.timeout) == (["a", "b"], 300)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["list", "--stat", "dead"], "unknown option '--stat': did you mean '--state'?"),
        (["list", "--max-retry"], "unknown option '--max-retry'"),
        (["worker", "start", "--cuont", "2"], "did you mean '--count'?"),
        (["show", "--fromat", "json"], "did you mean '--format'?"),
        (["enqueue", "--prio", "5", "x"], "did you mean '--priority'?"),
        (["list", "-x"], "unknown option '-x'"),
        (["status", "--home", "/x"], "the option --home stands before the command"),
        (["time", "flies"], "unexpected word 'flies'"),
        (["show"], "required: ID"),
    ],
)
def test_a_usage_error_says_what_would_be_right(
    parser_class: type[StrictParser], words: list[str], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        _parse(parser_class, *words)
    assert told in str(caught.value)
    assert caught.value.usage.startswith(f"queuectl {words[0]}")


@pytest.mark.parametrize("words", [["list", "--format", "jsn"], ["dlq", "lits"]])
def test_an_unknown_choice_is_an_unknown_name(
    parser_class: type[StrictParser], words: list[str]
) -> None:
    with pytest.raises(UnknownName, match="did you mean"):
        _parse(parser_class, *words)


def test_every_command_can_be_built_with_both(parser_class: type[StrictParser]) -> None:
    for command in COMMANDS.values():
        assert command.name in build_parser(command, parser_class).format_help()


def test_a_bad_value_is_refused_while_parsing(parser_class: type[StrictParser]) -> None:
    with pytest.raises(InvalidInput, match="--count: '0' is not an integer from 1 to 1000"):
        _parse(parser_class, "worker", "start", "--count", "0")
