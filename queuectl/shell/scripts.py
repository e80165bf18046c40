"""Runs shell lines from files and pipes, one after another, and says whether all succeeded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from queuectl.domain.errors import InvalidInput, QueuectlError
from queuectl.domain.text import quoted_path
from queuectl.shell.words import BadSyntax

if TYPE_CHECKING:
    from queuectl.shell.line_runner import LineRunner

# Every level takes stack; nobody nests scripts as deep as this on purpose.
MOST_NESTED = 20


class UnreadableScript(QueuectlError):
    """The script is not there or cannot be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot read script {quoted_path(path)}: {reason}")


class NoText(InvalidInput):
    """Something is not UTF-8 text, so nothing of it was run."""


class EndlessScript(InvalidInput):
    """A script runs itself, or scripts run scripts without end."""


class Place(NamedTuple):
    """Where a line that runs stands: the name of the script, None for a pipe, and its number."""

    script: str | None
    number: int

    def __str__(self) -> str:
        return f"{self.script} line" if self.script else "line"


def run_lines_of(shell: LineRunner, lines: Iterable[str], script: str | None) -> bool:
    """Run the lines; the shell's status is 1 if any failed. True if the shell is to end.

    With `errexit` set the first that fails is the last.
    """
    outer, failed, stop = shell.place, False, False
    try:
        for number, text in whole_lines(lines, shell.is_unfinished):
            shell.place = Place(script, number)
            shell.has_explained = False
            stop = _run_line(shell, text)
            if shell.status:
                failed = True
                _explain(shell, shell.place)
            if stop or (shell.status and shell.errexit):
                break
    finally:
        shell.place = outer
    shell.status = int(failed)
    return stop


def whole_lines(
    lines: Iterable[str], is_unfinished: Callable[[str], bool]
) -> Iterator[tuple[int, str]]:
    """Lines with the number of each, those of a JSON value that goes over several joined to one."""
    text, began = "", 0
    for number, line in enumerate(lines, 1):
        if not text:
            began = number
        text = f"{text}\n{line}" if text else line
        if not is_unfinished(text):
            yield began, text
            text = ""
    if text:
        yield began, text


def read_script(path: str) -> list[str]:
    """The lines of a script file; raises `UnreadableScript` or `NoText`."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise UnreadableScript(path, error.strerror or str(error)) from None
    except ValueError:
        raise UnreadableScript(path, "not a path") from None
    text = content.decode("utf-8-sig", errors="surrogateescape")
    if "\0" in text or not _is_utf8(text):
        raise NoText(f"script {quoted_path(path)} is not UTF-8 text")
    # Not splitlines(): that would also cut at characters which a job may well contain.
    return [line.removesuffix("\r") for line in text.split("\n")]


def lines_of(stream: BinaryIO) -> Iterator[str]:
    """The lines of a pipe as they arrive; what is no UTF-8 becomes lone surrogates."""
    for line in iter(stream.readline, b""):
        yield line.removesuffix(b"\n").removesuffix(b"\r").decode(errors="surrogateescape")


class ScriptStack:
    """The scripts that run now, the innermost last."""

    def __init__(self) -> None:
        self._paths: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._paths)

    def run(self, shell: LineRunner, name: str, *, keep_errexit: bool = False) -> bool:
        """Run the script called `name`; True if the shell is to end.

        A relative name is looked for beside the script that runs. What the script does to
        `errexit` ends with it, unless `keep_errexit`.
        """
        path = os.path.join(self._folder(), os.path.expanduser(name))
        self._refuse_endless(path)
        lines = read_script(path)
        errexit = shell.errexit
        self._paths.append(os.path.realpath(path))
        try:
            return run_lines_of(shell, lines, os.path.basename(path))
        finally:
            self._paths.pop()
            if not keep_errexit:
                shell.errexit = errexit

    def _folder(self) -> str:
        return os.path.dirname(self._paths[-1]) if self._paths else ""

    def _refuse_endless(self, path: str) -> None:
        if os.path.realpath(path) in self._paths:
            raise EndlessScript(f"script {quoted_path(os.path.basename(path))} runs itself")
        if len(self._paths) == MOST_NESTED:
            raise EndlessScript(f"more than {MOST_NESTED} scripts run one another")


def _explain(shell: LineRunner, place: Place) -> None:
    # Whoever reads the log of a script wants to know which line it was.
    if not shell.has_explained:
        sys.stderr.write(f"queuectl: {place} {place.number}: exit code {shell.status}\n")


def _run_line(shell: LineRunner, text: str) -> bool:
    if shell.is_unfinished(text):
        shell.fail(BadSyntax("the JSON that begins here does not end"))
    elif not _is_utf8(text):
        shell.fail(NoText("the line is not UTF-8 text"))
    else:
        if shell.echo:
            shell.poutput(f"{shell.prompt}{text}")
        return shell.onecmd_plus_hooks(text, raise_keyboard_interrupt=True)
    return False


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
