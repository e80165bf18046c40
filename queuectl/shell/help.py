"""The overview that `help` prints: every command with its summary, by category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from queuectl.commands.command import Category, Command

SHELL = "Shell"


def overview(commands: Iterable[Command], own: Mapping[str, str], defined: Iterable[str]) -> str:
    """The text: commands by category, then those of the shell, then aliases and macros."""
    known = list(commands)
    titled = {
        str(category): {one.name: one.summary for one in known if one.category is category}
        for category in Category
    }
    titled[SHELL] = dict(own)
    width = max(len(name) for group in titled.values() for name in group)
    blocks = [
        f"{title}:\n" + "".join(f"  {name:{width}}  {text}\n" for name, text in group.items())
        for title, group in titled.items()
        if group
    ]
    names = ", ".join(sorted(defined))
    if names:
        blocks.append(f"Aliases and macros:\n  {names}\n")
    blocks.append("help COMMAND shows how to use one. Output goes on with | and > as in sh.\n")
    return "\n".join(blocks)
