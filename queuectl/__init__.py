"""queuectl: a durable background job queue for shell commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queuectl.queue import JobQueue

__version__ = "0.1.0"
__all__ = ["JobQueue", "__version__"]


def __getattr__(name: str) -> object:
    # Lazy, so that a one-shot command does not pay for the whole API at import.
    if name == "JobQueue":
        from queuectl.queue import JobQueue

        return JobQueue
    raise AttributeError(f"module 'queuectl' has no attribute {name!r}")
