"""One-shot: a command line to one command and its exit code, or to the shell."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from queuectl.app import App
    from queuectl.commands.command import Command, Context, Options

_OBJECTS_TO_A_COLLECTION = 50_000

# All other imports wait until main() guards them, so that Ctrl-C is quiet at any moment.


def process() -> NoReturn:
    """Be the process `queuectl`: run its words and end with the exit code.

    Taking the interpreter apart costs a one-shot command several milliseconds for nothing; with
    the shell, which has things to put away, it is done. Nor are cycles looked for among all that
    is imported, where there are next to none.
    """
    gc.set_threshold(_OBJECTS_TO_A_COLLECTION)
    code = main()
    if "queuectl.shell" not in sys.modules:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run what the words (by default those of the process) ask for; the exit code."""
    try:
        _make_streams_safe()
        words = sys.argv[1:] if argv is None else argv
        return _flushed(_guarded(list(map(_as_utf8, words))))
    except KeyboardInterrupt:
        return _flushed(130)  # 128 + SIGINT
    except OSError:  # not even the error could be written
        return 1


def _guarded(argv: list[str]) -> int:
    """The exit code of the command line, whatever goes wrong in it."""
    from queuectl.commands import failures
    from queuectl.commands.command import Options
    from queuectl.domain.errors import QueuectlError

    options = Options()
    try:
        from queuectl.commands.invocation import read_invocation

        options, words = read_invocation(argv, os.environ)
        return _dispatch(options, words)
    except QueuectlError as error:
        return failures.report(error, sys.stderr)
    except BrokenPipeError:
        return failures.BROKEN_PIPE
    except OSError as error:
        return failures.report_system(error, sys.stderr)
    except Exception as error:  # noqa: BLE001
        return failures.report_internal(error, sys.stderr, options.home)


def _dispatch(options: Options, words: list[str]) -> int:
    from queuectl.commands.registry import COMMANDS, SHELL_COMMANDS, find_command

    if words == ["version"]:
        from queuectl import __version__

        sys.stdout.write(f"queuectl {__version__}\n")
        return 0
    if words[:1] == ["help"]:
        from queuectl.commands.overview import help_text

        sys.stdout.write(help_text(words[1:]))
        return 0
    if not words or words[0] in SHELL_COMMANDS:
        return _in_the_shell(options, words)
    command = COMMANDS.get(words[0]) or find_command(words[0])
    return _run_command(command, options, words[1:])


def _run_command(command: Command, options: Options, words: list[str]) -> int:
    from queuectl.app import App
    from queuectl.commands.grammar import build_parser

    try:
        args = build_parser(command).parse_args(words)
    except SystemExit:  # argparse printed the help that was asked for
        return 0
    app = App(options.home, options.store)
    try:
        return command.run(_context(app, options), args)
    finally:
        app.close()


def _context(app: App, options: Options) -> Context:
    from queuectl.commands.command import Context
    from queuectl.commands.grammar import terminal_width

    width = terminal_width()
    return Context(
        app,
        sys.stdout,
        sys.stderr,
        color=options.color and width is not None and os.environ.get("TERM") != "dumb",
        width=width,
        interactive=width is not None and sys.stdin.isatty(),
        quiet=options.quiet,
    )


def _in_the_shell(options: Options, words: list[str]) -> int:
    from queuectl.app import App
    from queuectl.commands.failures import UsageError
    from queuectl.commands.invocation import USAGE
    from queuectl.shell import app as shell

    app = App(options.home, options.store)
    try:
        if words:
            return shell.run_one(app, options, words)
        if not sys.stdin.isatty():
            return shell.run_lines(app, options)
        if sys.stdout.isatty():
            return shell.run_shell(app, options)
    finally:
        app.close()
    raise UsageError("no command given, and the shell needs a terminal", USAGE)


def _make_streams_safe() -> None:
    """Keep descriptors 0 to 2 taken, and never fail for a character that cannot be encoded."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))
        elif number == 1 and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _as_utf8(word: str) -> str:
    """The word as UTF-8 says it, where a locale without UTF-8 kept its bytes as surrogates."""
    if word.isascii():
        return word
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _flushed(code: int) -> int:
    """`code`, or that of the failure to write what is still buffered."""
    try:
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _drop_output()
        return 141  # 128 + SIGPIPE
    except OSError as error:
        from queuectl.commands.failures import report_system

        _drop_output()
        return code or report_system(error, sys.stderr)


def _drop_output() -> None:
    """Let the flush at the end of the interpreter succeed, though nobody reads any more."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
