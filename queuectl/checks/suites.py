"""The names under which checks are run."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from queuectl.checks.check import Check, Kind, Suite

_OF_KIND = {
    "test_deliverables": Kind.DELIVERABLE,
    "test_bonus_features": Kind.BONUS,
}
# The modules whose checks have a name of their own, then those that are reached by kind only.
_OF_MODULE = {
    "test_worker": "worker",
    "test_enqueue": "enqueue",
    "test_list": "listing",
    "test_status": "status",
    "test_config": "config",
    "test_dlq": "dlq",
    "test_metrics": "metrics",
}
_MODULES = (
    "enqueue",
    "worker",
    "dlq",
    "execution",
    "scheduling",
    "recovery",
    "care",
    "listing",
    "status",
    "config",
    "metrics",
    "shell",
)


def checks_of(name: str) -> list[Check]:
    """The checks that `name` stands for; `test_all` is everything."""
    if name in _OF_MODULE:
        return _suite(_OF_MODULE[name]).checks
    return [check for check in _all() if name == "test_all" or check.kind is _OF_KIND[name]]


def _all() -> Iterator[Check]:
    for module in _MODULES:
        yield from _suite(module).checks


def _suite(module: str) -> Suite:
    suite: Suite = import_module(f"queuectl.checks.{module}").suite
    return suite
