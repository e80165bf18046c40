"""What docs/reliability.md refers to is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()


def test_every_test_that_the_page_names_exists() -> None:
    sources = list((ROOT / "tests").rglob("test_*.py"))
    known = {path.name for path in sources}
    for path in sources:
        known.update(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
    named = set(re.findall(r"`(test_[\w.]+)`", PAGE))
    assert len(named) > 25
    assert named - known == set()
