"""Shells that run in the test's own process, on a home of their own."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from queuectl.app import App
from queuectl.commands.command import Command, Options
from queuectl.commands.registry import COMMANDS
from queuectl.home.folder import Home
from queuectl.queue import JobQueue
from queuectl.shell.shell import Shell
from tests.support.shell_harness import Harness, MakeHarness


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path / "home"))


@pytest.fixture
def make_harness(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[MakeHarness]:
    made: list[Harness] = []

    def make(commands: Mapping[str, Command]) -> Harness:
        options = Options(home=home.path)
        app = App(options.home, options.store)
        shell = Shell(app, options, home, commands, is_interactive=False)
        made.append(Harness(shell, tmp_path / f"output{len(made)}", capsys))
        return made[-1]

    yield make
    for harness in made:
        harness.close()


@pytest.fixture
def shell(make_harness: MakeHarness) -> Harness:
    """A shell with all real commands."""
    return make_harness(COMMANDS)


@pytest.fixture
def queue(home: Home) -> Iterator[JobQueue]:
    with JobQueue(home.path) as queue:
        yield queue
