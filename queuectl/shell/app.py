"""The three ways into the shell: a person at a terminal, a pipe of lines, one line."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from queuectl.app import App
from queuectl.commands.command import Options
from queuectl.commands.failures import INTERRUPTED
from queuectl.home.folder import Home, locate
from queuectl.shell.scripts import lines_of, run_lines_of
from queuectl.shell.shell import Shell


def run_shell(app: App, options: Options) -> int:
    """Serve a person at a terminal until they leave; raises `HomeUnusable`."""
    with _shell(app, options, is_interactive=True) as shell:
        try:
            return shell.cmdloop()
        except SystemExit as ended:  # SIGHUP or SIGTERM at the prompt
            return ended.code if isinstance(ended.code, int) else 1


def run_lines(app: App, options: Options) -> int:
    """Run the lines of standard input one after another; 1 if any failed, 130 at Ctrl-C.

    Raises `BrokenPipeError` where nobody reads the output any more.
    """
    with _shell(app, options, is_interactive=False) as shell:
        shell.reads_lines = True
        try:
            run_lines_of(shell, lines_of(sys.stdin.buffer), None)
        except KeyboardInterrupt:
            return INTERRUPTED
        return shell.status


def run_one(app: App, options: Options, words: list[str]) -> int:
    """Run one line given as words; its exit code. Raises `BrokenPipeError` as `run_lines`."""
    with _shell(app, options, is_interactive=False) as shell:
        try:
            shell.onecmd_plus_hooks(shlex.join(words), raise_keyboard_interrupt=True)
        except KeyboardInterrupt:
            return INTERRUPTED
        return shell.status


@contextmanager
def _shell(app: App, options: Options, *, is_interactive: bool) -> Iterator[Shell]:
    home = Home(locate(options.home, os.environ))
    shell = Shell(app, options, home, is_interactive=is_interactive)
    try:
        yield shell
    finally:
        shell.close()
