"""What the shell says at its start, and on `banner`."""

from __future__ import annotations

from textwrap import wrap

from queuectl import __version__

_ART = r"""
                                   _   _
   __ _ _   _  ___ _   _  ___  ___| |_| |
  / _` | | | |/ _ \ | | |/ _ \/ __| __| |
 | (_| | |_| |  __/ |_| |  __/ (__| |_| |
  \__, |\__,_|\___|\__,_|\___|\___|\__|_|
     |_|
""".strip("\n")
_ART_COLUMNS = 42


def banner(home: str, columns: int | None) -> str:
    """The banner as lines, in few `columns` wrapped and without the picture."""
    lines = [
        f"queuectl {__version__}: a durable background job queue for shell commands",
        f"Home: {home}",
        "Type help for the commands, Tab completes, exit or Ctrl-D leaves.",
    ]
    if columns is None or columns >= _ART_COLUMNS:
        return "\n".join([_ART, *(f" {line}" for line in lines), ""])
    return "".join(f"{part}\n" for line in lines for part in wrap(line, max(columns, 1)))
