"""docs/commands.md names every command, option and setting, each where it belongs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuectl.commands.grammar import StrictParser, build_parser
from queuectl.commands.invocation import OPTIONS
from queuectl.commands.registry import COMMANDS, SHELL_COMMANDS
from queuectl.domain.lifecycle import State
from queuectl.domain.settings import SETTINGS, Setting, format_value

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")


def _sections() -> dict[str, str]:
    """The text below each heading, down to the next one."""
    parts = re.split(r"^#+ (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


SECTIONS = _sections()


def _leaves(name: str, parser: StrictParser) -> Iterator[tuple[str, StrictParser]]:
    nested = list(parser.nested())
    if not nested:
        yield name, parser
    for word, below in nested:
        yield from _leaves(f"{name} {word}", below)


LEAVES = [leaf for name in COMMANDS for leaf in _leaves(name, build_parser(COMMANDS[name]))]


@pytest.mark.parametrize(("name", "parser"), LEAVES, ids=[name for name, _ in LEAVES])
def test_a_command_has_a_section_with_an_example_and_its_options(
    name: str, parser: StrictParser
) -> None:
    section = SECTIONS[name]
    options = {option for action in parser._actions for option in action.option_strings}
    missing = [option for option in options - {"-h", "--help"} if not _names(section, option)]
    assert not missing, f"{name}: {missing}"
    assert name == "config list" or f"queuectl {name}" in section


@pytest.mark.parametrize("name", SHELL_COMMANDS)
def test_a_command_of_the_shell_is_named(name: str) -> None:
    assert f"`{name}" in SECTIONS["In the shell"]


def test_the_options_before_the_command_are_named() -> None:
    options = [word for text in OPTIONS for word in re.findall(r"--?[a-z-]+", text)]
    assert options
    assert all(_names(SECTIONS["Before the command"], option) for option in options)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_has_a_row_with_its_default_and_an_example(setting: Setting) -> None:
    (row,) = re.findall(rf"^\| `{setting.key}` \|.*$", SECTIONS["Settings"], re.MULTILINE)
    _, _, default, reach, _, example, _ = (cell.strip() for cell in row.split("|"))
    assert (default, reach) == (format_value(setting, setting.default), str(setting.reach))
    assert example.startswith(f"`config set {setting.key} ")


def test_every_letter_of_a_state_is_named() -> None:
    assert " ".join(sorted(state.letter for state in State)) in " ".join(
        sorted(re.findall(r"\b[A-Z]\b", SECTIONS["Values"]))
    )


def _names(text: str, option: str) -> bool:
    return re.search(rf"`{option}\b(?!-)", text) is not None
