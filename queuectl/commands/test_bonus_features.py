"""The command `test_bonus_features`: checks of what there is besides the core promises."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from queuectl.commands.checking import run_named
from queuectl.commands.command import Context


def configure(parser: ArgumentParser) -> None:
    """The grammar: no words."""


def run(context: Context, args: Namespace) -> int:
    """Run the checks."""
    return run_named(context, "test_bonus_features")
