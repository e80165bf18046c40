"""What stands before the command: options for home, store and manner of speaking."""

from collections.abc import Mapping
from typing import NamedTuple

from queuectl.commands.command import Options
from queuectl.commands.failures import UsageError
from queuectl.domain.text import quoted

USAGE = "queuectl [OPTIONS] [COMMAND ...]"
OPTIONS: dict[str, str] = {
    "--home DIR": "folder of the queue (also QUEUECTL_HOME)",
    "--store URL": "sqlite:///PATH or postgresql://HOST/DATABASE (also QUEUECTL_STORE)",
    "--no-color": "plain text (also NO_COLOR)",
    "-q, --quiet": "say only what was asked for",
    "--version": "print the version",
    "-h, --help": "print help",
}
_WITH_VALUE = ("--home", "--store")
_FLAGS = ("--no-color", "-q", "--quiet", "--version", "-h", "--help")


class Invocation(NamedTuple):
    """A command line, read up to its command; help and version are commands too."""

    options: Options
    words: list[str]


def read_invocation(argv: list[str], environment: Mapping[str, str]) -> Invocation:
    """Take the options off the front of `argv`; raises `UsageError`."""
    options, words = Options(color=not environment.get("NO_COLOR")), list(argv)
    while words and words[0].startswith("-") and words[0] not in ("-", "--"):
        name, equals, value = words.pop(0).partition("=")
        match name:
            case "--home" | "--store":
                if not equals and not words:
                    raise UsageError(f"{name} needs a value", USAGE)
                value = value if equals else words.pop(0)
                options = _with_place(options, name, value)
            case _ if equals or name not in _FLAGS:
                raise UsageError(_unknown(name), USAGE)
            case "--no-color":
                options = options._replace(color=False)
            case "-q" | "--quiet":
                options = options._replace(quiet=True)
            case "--version":
                return Invocation(options, ["version"])
            case _:
                return Invocation(options, ["help", *words])
    return Invocation(options, words[1:] if words[:1] == ["--"] else words)


def _with_place(options: Options, name: str, value: str) -> Options:
    return options._replace(home=value) if name == "--home" else options._replace(store=value)


def _unknown(name: str) -> str:
    from queuectl.commands.grammar import nearest_option

    guess = nearest_option(name, (*_WITH_VALUE, *_FLAGS))
    hint = f": did you mean {guess!r}?" if guess else " before the command"
    return f"unknown option {quoted(name)}{hint}"
