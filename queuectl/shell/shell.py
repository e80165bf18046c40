"""The shell: all commands, and what exists only in it, such as `exit`, `help` and `history`."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from collections.abc import Mapping

import cmd2
from cmd2 import Completions, Statement, with_argparser

from queuectl.app import App
from queuectl.commands.command import Command, Options
from queuectl.commands.failures import UsageError
from queuectl.commands.presence import living_workers
from queuectl.commands.registry import COMMANDS, SHELL_COMMANDS
from queuectl.domain.errors import QueuectlError
from queuectl.home.folder import Home
from queuectl.shell.banner import banner
from queuectl.shell.command_sets import ShellParser, command_sets
from queuectl.shell.completion import attach_completers
from queuectl.shell.help import overview
from queuectl.shell.history import HistoryFile, TypedLines, as_items
from queuectl.shell.lookout import Lookout
from queuectl.shell.named_lines import NamedLines
from queuectl.shell.redirection import run_program
from queuectl.shell.toolbar import Toolbar

PROMPT = "queuectl> "
CONTINUATION = "> "
CLEAR_SCREEN = "\x1b[H\x1b[2J\x1b[3J"
# What cmd2 brings along, besides the commands that the registry names.
FROM_CMD2 = {
    "alias": "make, list and delete short names for lines",
    "macro": "make, list and delete aliases with arguments",
    "quit": "the same as exit",
    "set": "show or change how this shell behaves",
    "shell": "run a line of sh, also written !LINE",
}


def _no_words() -> ShellParser:
    return ShellParser()


def _script_words() -> ShellParser:
    parser = ShellParser()
    action = parser.add_argument("file", metavar="FILE", help="the script: shell lines, # comments")
    action.completes = "file"  # type: ignore[attr-defined]
    attach_completers(parser)
    return parser


class Shell(NamedLines):
    """The commands of the registry, by category, and those that only a shell can have."""

    # What a person at this prompt has no use for.
    do_edit = do_shortcuts = do_run_pyscript = do__relative_run_script = None  # type: ignore[assignment]

    def __init__(
        self,
        app: App,
        options: Options,
        home: Home,
        commands: Mapping[str, Command] = COMMANDS,
        *,
        is_interactive: bool,
    ) -> None:
        super().__init__(app, options, home, is_interactive=is_interactive)
        self.prompt, self.continuation_prompt = PROMPT, CONTINUATION
        self._commands = commands
        for command_set in command_sets(commands.values()):
            self.register_command_set(command_set)
        self._typed: TypedLines | None = None
        self._toolbar: Toolbar | None = None
        if is_interactive:
            # Not cmd2's parameter for it, which cannot quote every path.
            if os.path.exists(home.startup_script):
                self._startup_commands.append(shlex.join(["run_script", home.startup_script]))
            self._typed_lines()
            self._toolbar = Toolbar(Lookout(options, home), self._redraw)

    def close(self) -> None:
        """End what runs besides the commands."""
        if self._toolbar is not None:
            self._toolbar.close()

    # -- what cmd2 calls ----------------------------------------------------------------------

    def preloop(self) -> None:
        """Greet, and open the store, so that what is wrong with it is said at once."""
        self.stdout.write(self._banner())
        try:
            self.app.queue  # noqa: B018
        except QueuectlError as error:
            self.fail(error)

    def pre_prompt(self) -> None:
        """Wake the toolbar."""
        if self._toolbar is not None:
            self._toolbar.resume()

    def precmd(self, statement: Statement | str) -> Statement:
        """Keep the toolbar off the store while a command runs."""
        if self._toolbar is not None:
            self._toolbar.pause()
        return super().precmd(statement)

    def get_bottom_toolbar(self) -> str:
        """Live counts."""
        return self._toolbar.text(self.columns()) if self._toolbar is not None else ""

    def complete_shell(self, text: str, line: str, begidx: int, endidx: int) -> Completions:
        """Complete programs, then files."""
        first = len(line[:begidx].split()) <= 1
        complete = self.shell_cmd_complete if first else self.path_complete
        return complete(text, line, begidx, endidx)

    # -- commands -----------------------------------------------------------------------------

    @with_argparser(_no_words)
    def do_exit(self, args: Namespace) -> bool:
        """Leave the shell; workers go on."""
        if self._is_with_a_person():
            self._say_who_stays()
        return True

    do_quit = do_exit

    def do__eof(self, statement: Statement | str) -> bool:
        """Leave at Ctrl-D."""
        return bool(self.do_exit(""))

    @with_argparser(_no_words)
    def do_banner(self, args: Namespace) -> None:
        """Print the banner."""
        self.stdout.write(self._banner())

    @with_argparser(_no_words)
    def do_clear(self, args: Namespace) -> None:
        """Clear the screen."""
        if self.stdout.isatty() and not self.is_dumb:
            self.stdout.write(CLEAR_SCREEN)

    @with_argparser(cmd2.Cmd._build_help_parser)
    def do_help(self, args: Namespace) -> None:
        """List commands, or show how to use one."""
        if args.command:
            self._help_with(args.command, args.subcommands)
        else:
            own = {**SHELL_COMMANDS, **FROM_CMD2}
            defined = [*self.aliases, *self.macros]
            self.stdout.write(overview(self._commands.values(), own, defined))

    @with_argparser(cmd2.Cmd._build_history_parser)
    def do_history(self, args: Namespace) -> bool | None:
        """Show, search and repeat the lines typed so far."""
        self.history = as_items(self._typed_lines().entries())
        return cmd2.Cmd.do_history(self, args.cmd2_statement)

    @with_argparser(_script_words)
    def do_run_script(self, args: Namespace) -> bool:
        """Run the shell lines of a file."""
        is_startup = self.is_interactive and args.file == self.home.startup_script
        return self.scripts.run(self, args.file, keep_errexit=is_startup)

    def do_shell(self, statement: Statement | str) -> None:
        """Run a line of sh: shell LINE, or !LINE."""
        line = statement.args if isinstance(statement, Statement) else statement
        if not line:
            raise UsageError("a line to run is missing", "shell LINE")
        self.status = run_program(line, self.stdout, may_read=not self.reads_lines)

    def _banner(self) -> str:
        return banner(self.home.path, self.columns() if self.stdout.isatty() else None)

    def _help_with(self, name: str, nested: list[str]) -> None:
        meaning = self.meaning_of(name)
        if meaning is not None:
            self.stdout.write(f"{name}: {meaning}\n")
        elif self.get_command_func(name) is None:
            self.default(Statement("", command=name))
        else:
            cmd2.Cmd.do_help(self, shlex.join([name, *nested]))

    def _say_who_stays(self) -> None:
        try:
            count = len(living_workers(self.app.queue))
        except QueuectlError:
            return
        if count:
            goes = "worker keeps" if count == 1 else "workers keep"
            self.stdout.write(f"{count} {goes} running: worker stop ends them\n")

    def _typed_lines(self) -> TypedLines:
        if self._typed is None:
            self._typed = TypedLines(HistoryFile(self.home.history))
            self.main_session.history = self._typed
            self.main_session.default_buffer.history = self._typed
        return self._typed

    def _redraw(self) -> None:
        self.main_session.app.invalidate()
