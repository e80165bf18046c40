"""tabulate, loaded without what takes longer to load than it does itself."""

import sys
from types import ModuleType

from queuectl.lean import standing_in


def load_tabulate(*, wide: bool) -> ModuleType:
    """The module `tabulate`, set to keep blanks, and to measure characters where some are `wide`.

    tabulate asks `importlib.metadata` for its own version, which nobody here wants to know; that
    and `wcwidth`, which only text beyond ASCII needs, take three quarters of its time to load,
    and as long as all else that `list` loads. So the one is answered for here, and the other is
    handed to it when it is needed.
    """
    stand_ins = {"importlib.metadata": _NoMetadata("importlib.metadata"), "wcwidth": None}
    if "tabulate" not in sys.modules:
        with standing_in(stand_ins):
            import tabulate
    import tabulate

    tabulate.PRESERVE_WHITESPACE, tabulate.MIN_PADDING = True, 0
    tabulate.WIDE_CHARS_MODE = wide
    if wide:
        import wcwidth

        tabulate.wcwidth = wcwidth  # type: ignore[attr-defined]
    return tabulate


class _NoMetadata(ModuleType):
    """What says of every package that it is not installed; tabulate takes that as it comes."""

    PackageNotFoundError = LookupError

    @staticmethod
    def version(package: str) -> str:
        raise LookupError(package)
