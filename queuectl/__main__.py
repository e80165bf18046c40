"""`python -m queuectl` is `queuectl`."""

from __future__ import annotations

from queuectl.cli import process

if __name__ == "__main__":
    process()
