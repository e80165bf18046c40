"""Runs one line on cmd2: parses, redirects, runs, and turns every failure into an exit code."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from types import FrameType
from typing import Any, TextIO

import cmd2
from cmd2 import Settable, Statement
from cmd2.exceptions import Cmd2ArgparseError, PassThroughException
from cmd2.rich_utils import AllowStyle
from cmd2.styles import Cmd2Style

from queuectl.app import App
from queuectl.commands.arguments import JobWords
from queuectl.commands.command import Command, Context, Options
from queuectl.commands.failures import INTERRUPTED, report, report_internal, report_system
from queuectl.domain.errors import BadLine, InvalidInput, QueuectlError, UnknownName
from queuectl.home.folder import Home
from queuectl.shell.command_sets import ShellParser
from queuectl.shell.redirection import redirected
from queuectl.shell.scripts import Place, ScriptStack
from queuectl.shell.statements import SHORTCUTS, LineParser
from queuectl.shell.words import JobGrammar, stray_operator

SETTABLE = ("echo", "quiet", "timing")
_TIME_TO_LEAVE = 2.0  # seconds


class LineRunner(cmd2.Cmd):
    """A cmd2 application in which every line has an exit code: `status`, of the last one.

    `place` tells where a line of a script stands, for its errors; `has_explained` that one was
    written. With `is_interactive` a person sits at a terminal; with `reads_lines` the lines are
    what comes from standard input.
    """

    def __init__(self, app: App, options: Options, home: Home, *, is_interactive: bool) -> None:
        self.app, self.options, self.home = app, options, home
        self.is_interactive = is_interactive
        self.is_dumb = os.environ.get("TERM") == "dumb"
        self.status = 0
        self.errexit = False
        self.place: Place | None = None
        self.has_explained = False
        self.scripts = ScriptStack()
        self.reads_lines = False
        cmd2.set_default_argument_parser(ShellParser)
        super().__init__(
            allow_cli_args=False,
            allow_clipboard=False,
            enable_bottom_toolbar=is_interactive,
            shortcuts=SHORTCUTS,
            terminators=(),
        )
        self.statement_parser = self._line_parser = LineParser(self._job_grammar)
        self.scripts_add_to_history = False
        self.quiet = options.quiet
        self._choose_settables()
        self.allow_style = AllowStyle.TERMINAL if options.color else AllowStyle.NEVER

    def is_unfinished(self, line: str) -> bool:
        """Whether the line breaks off in the middle of a JSON value."""
        return self._line_parser.is_unfinished(line)

    def columns(self) -> int:
        """The width of the terminal."""
        if self.is_interactive:
            return self.main_session.output.get_size().columns
        return shutil.get_terminal_size().columns

    def perform(self, command: Command, args: Namespace) -> None:
        """Run one of our commands."""
        self._warn_of_stray_operator(args.cmd2_statement)
        self.status = command.run(self._context(), args)

    def fail(self, error: QueuectlError) -> None:
        """Write the error of the line that runs, and take its exit code."""
        with contextlib.suppress(OSError):
            self.stdout.flush()
        if self.place is not None:
            error = BadLine(str(self.place), self.place.number, error)
        self.status = report(error, sys.stderr)
        self.has_explained = True

    # -- what cmd2 calls ----------------------------------------------------------------------

    def onecmd_plus_hooks(self, line: str, **options: Any) -> bool:
        """Run a line; True if the shell is to end. Raises `BrokenPipeError` if nobody reads."""
        self.status = 0
        # We redirect ourselves; only completion is to know that one can.
        self.allow_redirection = False
        try:
            return super().onecmd_plus_hooks(line, **options)
        finally:
            self.allow_redirection = True

    def onecmd(self, statement: Statement | str, *, add_to_history: bool = True) -> bool:
        """Run a parsed line with its output where it belongs."""
        assert isinstance(statement, Statement)
        stop = False
        try:
            with redirected(statement, self.stdout) as output, self._writing_to(output.stream):
                stop = self._run(statement)
            self.status = self.status or output.exit_code
            if self.status == INTERRUPTED:  # the command has dealt with it
                self._leave_line()
        except QueuectlError as error:
            self.fail(error)
        except BrokenPipeError as error:
            raise PassThroughException(wrapped_ex=error) from None
        except KeyboardInterrupt:
            self.status = INTERRUPTED
            self._leave_line()
            raise
        return stop

    def default(self, statement: Statement) -> None:
        """Refuse an unknown command."""
        known = (*self.get_visible_commands(), *self.aliases, *self.macros)
        raise UnknownName("command", statement.command, known)

    def perror(self, *objects: Any, sep: str = " ", **options: Any) -> None:
        """Write an error of cmd2 itself in our form."""
        text = sep.join(map(str, objects)).removeprefix("Invalid syntax: ")
        if options.get("style", Cmd2Style.ERROR) == Cmd2Style.ERROR:
            self.fail(InvalidInput(text))
        else:
            sys.stderr.write(f"queuectl: {text}\n")

    def pexcept(self, exception: BaseException, **options: Any) -> None:
        """Write an error that nobody expected."""
        match exception:
            case QueuectlError():
                self.fail(exception)
            case OSError():
                self.status = report_system(exception, sys.stderr)
            case Exception():
                self.status = report_internal(exception, sys.stderr, self.home.path)

    def pfeedback(self, *objects: Any, **options: Any) -> None:
        """Write what cmd2 has done, where a person just asked for it."""
        if self._is_with_a_person():
            super().pfeedback(*objects, **options)

    def sigint_handler(self, signum: int, frame: FrameType | None) -> None:
        """Let Ctrl-C reach the command that runs."""
        if not self.sigint_protection:
            raise KeyboardInterrupt

    def termination_signal_handler(self, signum: int, frame: FrameType | None) -> None:
        """Leave at a hangup or SIGTERM, whatever is under way."""
        # Raised inside somebody's callback, the exit may be swallowed; the lines that were
        # typed are on disk already, so nothing is lost by insisting.
        insist = threading.Timer(_TIME_TO_LEAVE, os._exit, (128 + signum,))
        insist.daemon = True
        insist.start()
        super().termination_signal_handler(signum, frame)

    def _run(self, statement: Statement) -> bool:
        self.last_result = None
        try:
            stop = super().onecmd(statement, add_to_history=False)
        except Cmd2ArgparseError as ended:  # help was asked for
            self.status = getattr(ended.__cause__, "code", None) or 0
            return False
        if self.last_result is False and self.status == 0:
            self.status = InvalidInput.exit_code
        return stop

    def _warn_of_stray_operator(self, statement: Statement) -> None:
        if self._job_grammar(statement.command) is None:
            return
        stray = stray_operator(self._line_parser.words(statement))
        if stray is not None:
            sys.stderr.write(
                f"queuectl: {stray.raw!r} goes to the program as it is: for a line of sh, "
                "put quotes around the whole line\n"
            )

    def _context(self) -> Context:
        terminal = self.stdout.isatty()
        return Context(
            self.app,
            self.stdout,
            sys.stderr,
            color=self.options.color and terminal and not self.is_dumb,
            width=self.columns() if terminal else None,
            interactive=self._is_with_a_person(),
            in_shell=True,
            quiet=self.quiet,
        )

    def _is_with_a_person(self) -> bool:
        return self.is_interactive and not self.scripts and self.stdout.isatty()

    @contextlib.contextmanager
    def _writing_to(self, stream: TextIO) -> Iterator[None]:
        before, self.stdout = self.stdout, stream
        try:
            yield
        finally:
            self.stdout = before

    def _leave_line(self) -> None:
        # The terminal has just shown ^C.
        if self._is_with_a_person():
            self.stdout.write("\n")
            self.stdout.flush()

    def _job_grammar(self, command: str) -> JobGrammar | None:
        function = self.get_command_func(command)
        parser = self.command_parsers.get(function) if function else None
        if parser is None or not any(isinstance(one, JobWords) for one in parser._actions):
            return None
        options = parser._option_string_actions
        return JobGrammar(lambda word: word in options and options[word].nargs != 0)

    def _choose_settables(self) -> None:
        for name in set(self.settables).difference(SETTABLE):
            self.remove_settable(name)
        meaning = "End a script at the first line that fails"
        self.add_settable(Settable("errexit", bool, meaning, self))
