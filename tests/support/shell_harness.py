"""A shell in the test's own process, whose output can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from queuectl.commands.command import Command
from queuectl.shell.scripts import run_lines_of
from queuectl.shell.shell import Shell


class Said(NamedTuple):
    """What lines of a shell wrote, and the exit code of the last one."""

    status: int
    out: str
    err: str


class Harness:
    """A shell without a terminal whose output goes to a file, as programs behind `|` need it."""

    def __init__(
        self,
        shell: Shell,
        output: Path,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self.shell, self._capture = shell, capture
        self._file = output.open("w+", encoding="utf-8")
        shell.stdout = self._file
        self.stopped = False

    def run(self, *lines: str) -> Said:
        """Run lines as if typed one after another."""
        for line in lines:
            self.stopped = self.shell.onecmd_plus_hooks(line)
        return self._said()

    def feed(self, text: str) -> Said:
        """Run the lines of a pipe."""
        self.stopped = run_lines_of(self.shell, text.split("\n"), None)
        return self._said()

    def close(self) -> None:
        self.shell.close()
        self.shell.app.close()
        self._file.close()

    def _said(self) -> Said:
        self._file.seek(0)
        out = self._file.read()
        self._file.seek(0)
        self._file.truncate()
        return Said(self.shell.status, out, self._capture.readouterr().err)


MakeHarness = Callable[[Mapping[str, Command]], Harness]
