"""What a command is, and the surroundings that it runs in."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from types import ModuleType
from typing import NamedTuple, TextIO

from queuectl.app import App
from queuectl.queue import JobQueue


class Category(StrEnum):
    """The heading under which help shows a command; each is a command set in the shell."""

    JOBS = "Jobs"
    WORKERS = "Workers"
    DLQ = "Dead letter queue"
    CONFIG = "Configuration"
    CARE = "Care"
    TESTING = "Testing"
    GENERAL = "General"


class Options(NamedTuple):
    """What stands before the command: where the queue is, and how to speak to the person."""

    home: str | None = None
    store: str | None = None
    color: bool = True  # False under `--no-color` or `NO_COLOR`
    quiet: bool = False


class Context:
    """The surroundings of one command: the app, the streams and what they can show.

    `width` is the terminal's, None where nothing is to be wrapped; `interactive` means that a
    person can be asked; `in_shell` that the process goes on after the command.
    """

    def __init__(
        self,
        app: App,
        out: TextIO,
        err: TextIO,
        *,
        color: bool = False,
        width: int | None = None,
        interactive: bool = False,
        in_shell: bool = False,
        quiet: bool = False,
        ask: Callable[[str], str] = input,
    ) -> None:
        self.app, self.out, self.err = app, out, err
        self.color, self.width, self.quiet = color, width, quiet
        self.interactive, self.in_shell, self.ask = interactive, in_shell, ask

    @property
    def queue(self) -> JobQueue:
        """The queue of the app."""
        return self.app.queue

    def say(self, text: str) -> None:
        """A line for the person, left out under `-q`."""
        if not self.quiet:
            self.out.write(text + "\n")

    def write(self, text: str) -> None:
        """Data, exactly as given."""
        self.out.write(text)

    def warn(self, text: str) -> None:
        """A line on stderr."""
        self.err.write(f"queuectl: {text}\n")


class Command(NamedTuple):
    """A command by name; its module has `configure(parser)` and `run(context, args) -> int`.

    The module is imported only when its grammar or handler is needed. `run` returns the exit
    code or raises `QueuectlError`, `KeyboardInterrupt` or `BrokenPipeError`.
    """

    name: str
    category: Category
    summary: str

    def configure(self, parser: ArgumentParser) -> None:
        """Fill a parser of argparse, or of cmd2, with the grammar."""
        self._module().configure(parser)

    def run(self, context: Context, args: Namespace) -> int:
        """Do it; the exit code."""
        code: int = self._module().run(context, args)
        return code

    def _module(self) -> ModuleType:
        return import_module(f"queuectl.commands.{self.name}")
