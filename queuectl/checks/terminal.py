"""A terminal with a program on it, as a person types and reads there."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from queuectl.checks.home import ThrowAwayHome, plain_environment

_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\^_=>])")
_SLICE = 0.1


class Terminal:
    """Runs `argv` on a terminal of its own; all waiting ends with the time of the home's check."""

    def __init__(self, home: ThrowAwayHome, argv: Sequence[str]) -> None:
        self._home, self._argv = home, argv
        self._shown = b""

    def __enter__(self) -> Self:
        self._screen, program = pty.openpty()
        variables = {"TERM": "xterm", "COLUMNS": "120", "LINES": "40", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self._process = subprocess.Popen(
            self._argv,
            stdin=program,
            stdout=program,
            stderr=program,
            cwd=self._home.folder,
            env={**plain_environment(), **variables},
            start_new_session=True,
        )
        os.close(program)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._screen)

    def type_line(self, line: str) -> None:
        """Type a line and Enter."""
        os.write(self._screen, line.encode() + b"\r")

    def until_shows(self, text: str) -> None:
        """Return once `text` has been shown after what was waited for before."""
        wanted = text.encode()
        while wanted not in (plain := _ESCAPES.sub(b"", self._shown)):
            shown = plain[-200:].decode(errors="replace")
            self._home.go_on(f"{text!r} on the terminal, which shows {shown!r}")
            self._read()
        self._shown = plain[plain.index(wanted) + len(wanted) :]

    def exit_code(self) -> int:
        """The exit code of the program, once it has ended."""
        while (code := self._process.poll()) is None:
            self._home.go_on("the end of the program on the terminal")
            self._read()
        return code

    def _read(self) -> None:
        if select.select([self._screen], [], [], _SLICE)[0]:
            try:
                self._shown += os.read(self._screen, 65536)
            except OSError:  # the program has ended, and nobody has the terminal open
                self._process.wait()
