"""The supervisor's log: a file in the home that rotates, and stderr in the foreground."""

from __future__ import annotations

import logging
import logging.handlers
import time
from io import TextIOWrapper

from queuectl.home import private

_SIZE, _KEPT = 1024 * 1024, 3


class _PrivateLog(logging.handlers.RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        path, errors = self.baseFilename, "backslashreplace"
        return open(path, "a", encoding="utf-8", errors=errors, opener=private.open_file)


def open_log(path: str, *, echo: bool) -> None:
    """Log to the file at `path` (1 MiB, three older ones kept), and to stderr if `echo`."""
    handlers: list[logging.Handler] = [_PrivateLog(path, maxBytes=_SIZE, backupCount=_KEPT)]
    if echo:
        handlers.append(logging.StreamHandler())
    form = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    form.converter = time.gmtime
    for handler in handlers:
        handler.setFormatter(form)
    logging.basicConfig(level=logging.INFO, handlers=handlers)
    logging.raiseExceptions = False  # a full disk must not end the process
