"""Loading a library without what it imports itself at great cost, and has no use for here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import ModuleType


@contextmanager
def standing_in(stand_ins: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Imports inside find these in place of modules that are not loaded yet; None is not there.

    Where a library asks for more than they have its import fails quietly, for who needs it to
    import it again behind this, as it wants to be.
    """
    absent = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]  # None is what Python itself puts there
    try:
        with suppress(ImportError):
            yield
    finally:
        for name in absent:
            del sys.modules[name]
