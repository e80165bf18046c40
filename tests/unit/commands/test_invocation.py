"""Options before the command, and where they end."""

import pytest

from queuectl.commands.command import Options
from queuectl.commands.failures import UsageError
from queuectl.commands.invocation import read_invocation


def test_options_end_at_the_command() -> None:
    words = ["--home", "-x", "--store=sqlite:///a=b", "-q", "--no-color", "enqueue", "--home", "y"]
    options, rest = read_invocation(words, {})
    assert options == Options("-x", "sqlite:///a=b", color=False, quiet=True)
    assert rest == ["enqueue", "--home", "y"]


def test_help_and_version_are_commands() -> None:
    assert read_invocation(["--help", "list"], {}).words == ["help", "list"]
    assert read_invocation(["-q", "--version", "list"], {}).words == ["version"]
    assert read_invocation([], {}).words == []


def test_no_color_counts_when_it_is_not_empty() -> None:
    assert not read_invocation([], {"NO_COLOR": "1"}).options.color
    assert read_invocation([], {"NO_COLOR": ""}).options.color


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--home"], "--home needs a value"),
        (["--stor", "x"], "did you mean '--store'?"),
        (["-v"], "unknown option '-v' before the command"),
        (["--no-color=1"], "unknown option '--no-color'"),
    ],
)
def test_an_unknown_option_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_invocation(words, {})
    assert told in str(caught.value)
