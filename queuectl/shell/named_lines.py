"""Aliases and macros: those of cmd2, but with values that stand exactly as they were written."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from cmd2 import Cmd, as_subcommand_to

from queuectl.domain.errors import UnknownName
from queuectl.shell.line_runner import LineRunner


class NamedLines(LineRunner):
    """Lists aliases and macros as lines that make them again, for a start-up script.

    cmd2 would put quotes around `|` and `>` in them, also inside JSON. Here they need none: what
    follows `alias create NAME` is never redirected.
    """

    def meaning_of(self, name: str) -> str | None:
        """The line that an alias or a macro stands for, if `name` is one."""
        if name in self.macros:
            return self.macros[name].value
        return self.aliases.get(name)

    @as_subcommand_to("alias", "list", Cmd._build_alias_list_parser, help="list aliases")
    def _alias_list(self, args: Namespace) -> None:
        self._list("alias", args.names, self.aliases)

    @as_subcommand_to("macro", "list", Cmd._build_macro_list_parser, help="list macros")
    def _macro_list(self, args: Namespace) -> None:
        self._list("macro", args.names, {name: one.value for name, one in self.macros.items()})

    def _list(self, kind: str, names: list[str], known: Mapping[str, str]) -> None:
        for name in names:
            if name not in known:
                raise UnknownName(kind, name, known)
        for name in names or sorted(known):
            self.stdout.write(f"{kind} create {name} {known[name]}\n")
