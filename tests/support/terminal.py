"""A terminal of 80 by 24 in tmux, with a server of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.waiting import until

DEADLINE = 30.0


class Terminal:
    """Runs a command line of sh; keys go in, the screen comes out."""

    def __init__(self, line: str, *, columns: int = 80, term: str = "") -> None:
        if shutil.which("tmux") is None:
            pytest.skip("tmux is not installed")
        # A socket of its own, under a short name: its path may have 107 bytes only.
        folder = tempfile.mkdtemp(prefix="t")
        self._tmux = ["tmux", "-f", "/dev/null", "-S", os.path.join(folder, "s")]
        if term:
            line = f"TERM={term}; export TERM; {line}"
        line = f"{line}; echo left with $?; exec sleep 1000"
        self._is_open = True
        self._run("new-session", "-d", "-x", str(columns), "-y", "24", line)

    def type(self, text: str) -> None:
        """Type text, key by key."""
        self._run("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by the names that tmux has for them."""
        self._run("send-keys", *keys)

    def enter(self, text: str) -> None:
        """Type a line."""
        self.type(text)
        self.press("Enter")

    def screen(self) -> str:
        """What is on the screen, without the blanks at the ends of lines."""
        lines = self._run("capture-pane", "-p").split("\n")
        return "\n".join(line.rstrip() for line in lines).rstrip("\n")

    def shows(self, text: str) -> str:
        """Wait until the text is on the screen; the screen."""
        try:
            until(lambda: text in self.screen(), deadline=DEADLINE)
        except AssertionError:
            pytest.fail(f"{text!r} did not come up on:\n{self.screen()}")
        return self.screen()

    def paste(self, text: str) -> None:
        """Paste text as a terminal does, marked as pasted."""
        self._run("set-buffer", "--", text)
        self._run("paste-buffer", "-p")

    @property
    def pid(self) -> int:
        """The process that tmux started."""
        return int(self._run("display-message", "-p", "#{pane_pid}"))

    def close(self) -> None:
        """Hang up."""
        if self._is_open:
            self._is_open = False
            pid = self._run("display-message", "-p", "#{pid}").strip()
            self._run("kill-server")
            until(lambda: has_ended(pid), "tmux is gone", DEADLINE)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [*self._tmux, *words], capture_output=True, check=False, text=True, timeout=DEADLINE
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout


def has_ended(pid: int | str) -> bool:
    """Whether a process is gone, or waits to be reaped by whoever that is."""
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def line_of(*words: str) -> str:
    """The words as a line of sh."""
    return shlex.join(words)
