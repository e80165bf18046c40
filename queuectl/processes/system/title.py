"""The name under which `ps` shows a process."""

from __future__ import annotations

import os


def show(title: str) -> None:
    """Call this process `queuectl: TITLE` and leave its environment as /proc shows it."""
    # Without this setproctitle overwrites the environment area, and the marker in it is lost.
    os.environ["SPT_NOENV"] = "1"
    from setproctitle import setproctitle

    setproctitle(f"queuectl: {title}")
    del os.environ["SPT_NOENV"]
