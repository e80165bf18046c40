"""A command on a terminal of a given size, as a person sees and answers it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 30.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What a command has written so far, and the keyboard."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process, self._descriptor = process, descriptor
        self._seen = b""

    @property
    def raw(self) -> str:
        return self._seen.decode(errors="replace").replace("\r\n", "\n")

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self.raw)

    def until(self, text: str, count: int = 1) -> None:
        """Read until `text` has been written `count` times."""
        deadline = time.monotonic() + PATIENCE
        while self.text.count(text) < count:
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.text}"
            assert self._read(), f"ended before {text!r}:\n{self.text}"

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], PATIENCE)
        assert ready, f"nothing more came after:\n{self.text}"
        with contextlib.suppress(OSError):  # what Linux says at the end of a terminal
            data = os.read(self._descriptor, 65536)
            self._seen += data
            return bool(data)
        return False


@contextmanager
def on_a_terminal(
    argv: list[str], *, columns: int = 80, env: dict[str, str] | None = None
) -> Iterator[Terminal]:
    """Run a command on a terminal; it is killed at the end, if it has not ended."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **(env or {})}
    # Readline, once loaded, puts the size of the tests' own terminal there.
    for size in {"COLUMNS", "LINES"} - (env or {}).keys():
        environment.pop(size, None)
    process = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
