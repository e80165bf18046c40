"""tabulate, loaded without what takes longer to load than it does itself."""

import sys
from contextlib import suppress
from types import ModuleType


def load_tabulate(*, wide: bool) -> ModuleType:
    """The module `tabulate`, set to keep blanks, and to measure characters where some are `wide`.

    tabulate asks `importlib.metadata` for its own version, which nobody here wants to know; that
    and `wcwidth`, which only text beyond ASCII needs, take three quarters of its time to load,
    and as long as all else that `list` loads. So the one is answered for here, and the other is
    handed to it when it is needed.
    """
    if "tabulate" not in sys.modules:
        _load_alone()
    import tabulate

    tabulate.PRESERVE_WHITESPACE, tabulate.MIN_PADDING = True, 0
    tabulate.WIDE_CHARS_MODE = wide
    if wide:
        import wcwidth

        tabulate.wcwidth = wcwidth  # type: ignore[attr-defined]
    return tabulate


def _load_alone() -> None:
    # None is what Python takes for a module that cannot be imported.
    absent = {"importlib.metadata": _NoMetadata("importlib.metadata"), "wcwidth": None}
    absent = {name: module for name, module in absent.items() if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        with suppress(ImportError):  # one that asks for more is loaded as it wants to be
            import tabulate  # noqa: F401
    finally:
        for name in absent:
            del sys.modules[name]


class _NoMetadata(ModuleType):
    """What says of every package that it is not installed; tabulate takes that as it comes."""

    PackageNotFoundError = LookupError

    @staticmethod
    def version(package: str) -> str:
        raise LookupError(package)
