"""The command `test_deliverables`: checks of the core promises."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.checking import run_named
from queuectl.commands.command import Context


def configure(parser: ArgumentParser) -> None:
    """The grammar: no words."""


def run(context: Context, args: Namespace) -> int:
    """Run the checks."""
    return run_named(context, "test_deliverables")
