"""What the tests of the domain share: patience with slow machines, and what a refusal must be."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from queuectl.domain.errors import InvalidInput, QueuectlError

settings.register_profile(
    "queuectl", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("queuectl")

LONGEST_MESSAGE = 500
# The bidirectional classes of the characters that reorder others.
REORDERS = frozenset(("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"))
MARKS = frozenset("\u061c\u200e\u200f")


def _is_harmless(text: str) -> bool:
    return not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in REORDERS
        or character in MARKS
        for character in text
    )


@pytest.fixture(scope="session")
def is_harmless() -> Callable[[str], bool]:
    """Whether a text can be printed on one line without doing anything to a terminal."""
    return _is_harmless


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str]:
    """Make the call, which must be refused as invalid input; the message, one harmless line."""

    def call(function: Callable[..., object], *arguments: object) -> str:
        with pytest.raises(InvalidInput) as raised:
            function(*arguments)
        assert raised.value.exit_code == 2
        return _message(raised.value)

    return call


def _message(error: QueuectlError) -> str:
    message = str(error)
    assert 0 < len(message) <= LONGEST_MESSAGE
    assert _is_harmless(message), ascii(message)
    return message
