"""What stands in for a module does so for the time of an import, and never for what is loaded."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

from queuectl.lean import standing_in


@pytest.fixture
def name() -> str:
    """A module that nothing has loaded."""
    sys.modules.pop("colorsys", None)
    return "colorsys"


def test_an_import_inside_finds_the_stand_in_and_one_behind_the_module_itself(name: str) -> None:
    stand_in = ModuleType(name)
    with standing_in({name: stand_in}):
        assert import_module(name) is stand_in
    assert hasattr(import_module(name), "rgb_to_hsv")


def test_who_asks_for_more_can_import_it_again(name: str) -> None:
    with standing_in({name: None}):
        import_module(name)
    assert hasattr(import_module(name), "rgb_to_hsv")


def test_nothing_stands_in_for_what_is_loaded() -> None:
    with standing_in({"sys": None}):
        assert import_module("sys") is sys


def test_the_scheduler_does_without_asyncio() -> None:
    program = "import sys, queuectl.processes.scheduler; print('asyncio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
