"""Tables and lists of facts for a person: fitted to the terminal, safe to print, coloured."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from queuectl.commands.command import Context
from queuectl.domain.text import visible

NARROWEST = 12  # a column that wraps is never made narrower
MOST_LINES = 20  # of one cell; what is longer ends in an ellipsis
GAP = 2


class Column(NamedTuple):
    """A column; a flexible one gives way where the terminal is narrow."""

    title: str
    flexible: bool = False
    right: bool = False


class Cell(NamedTuple):
    """A text with the name of a colour; one that is kept `whole` is never wrapped."""

    text: str
    color: str | None = None
    whole: bool = False


Row = Sequence[str | Cell]


def write_table(context: Context, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Write a table; where not even a wrapped one fits the terminal, a block of lines a row."""
    cells = [[_safe(cell) for cell in row] for row in rows]
    widths = fitted(columns, _natural(columns, cells), context.width)
    if widths is None:
        _write_blocks(context, columns, cells)
    else:
        context.write(_tabulated(context, columns, cells, widths))


def write_facts(context: Context, facts: Iterable[tuple[str, str | Cell]]) -> None:
    """Write names with their values, a pair a line, long values wrapped."""
    pairs = [(name, _safe(value)) for name, value in facts]
    left = max(display_width(name) for name, _ in pairs) + GAP
    for name, value in pairs:
        lines = _lines(value.text, None if value.whole else _room(context, left))
        context.write(f"{name:<{left}}{paint(context, lines[0], value.color)}\n")
        for line in lines[1:]:
            context.write(f"{'':<{left}}{paint(context, line, value.color)}\n")


def fitted(
    columns: Sequence[Column], natural: Sequence[int], width: int | None
) -> list[int] | None:
    """The widths that make a table at most `width` wide, or None where there are none."""
    spare = 0 if width is None else sum(natural) + GAP * (len(columns) - 1) - width
    widths = list(natural)
    while spare > 0:
        able = [number for number, column in enumerate(columns) if column.flexible]
        widest = max(able, key=lambda number: widths[number], default=None)
        if widest is None or widths[widest] <= NARROWEST:
            return None
        widths[widest] -= 1
        spare -= 1
    return widths


def paint(context: Context, text: str, color: str | None) -> str:
    """`text` in a colour, if the context wants any."""
    if not context.color or not color or not text:
        return text
    from colorama import Fore, Style

    return f"{getattr(Fore, color.upper())}{text}{Style.RESET_ALL}"


def display_width(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at blanks where there are any."""
    lines: list[str] = []
    while display_width(text) > width:
        end = _longest_start(text, width)
        blank = text.rfind(" ", 1, end + 1)
        cut = blank if blank > 0 else end
        lines.append(text[:cut])
        text = text[cut:].removeprefix(" ") if blank > 0 else text[cut:]
    return [*lines, text]


def _longest_start(text: str, width: int) -> int:
    used = 0
    for position, character in enumerate(text):
        used += _cells(character)
        if used > width:
            return max(position, 1)
    return len(text)


@lru_cache(maxsize=4096)
def _cells(character: str) -> int:
    from wcwidth import wcwidth

    return max(0, wcwidth(character))


def _safe(cell: str | Cell) -> Cell:
    if isinstance(cell, Cell):
        return cell._replace(text=visible(cell.text))
    return Cell(visible(cell))


def _natural(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[int]:
    return [
        max([display_width(column.title), *(display_width(row[number].text) for row in rows)])
        for number, column in enumerate(columns)
    ]


def _lines(text: str, width: int | None) -> list[str]:
    if width is None:
        return [text]
    # Nobody reads further, and a command may have 100,000 characters.
    lines = wrapped(text[: width * (MOST_LINES + 1)], width)
    return lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], "…"]


def _room(context: Context, left: int) -> int | None:
    return None if context.width is None else max(NARROWEST, context.width - left)


def _tabulated(
    context: Context,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    widths: Sequence[int],
) -> str:
    from queuectl.commands.tabulation import load_tabulate

    tabulate = load_tabulate(wide=not all(cell.text.isascii() for row in rows for cell in row))
    shown = [
        [_cell(context, *parts) for parts in zip(columns, row, widths, strict=True)] for row in rows
    ]
    text: str = tabulate.tabulate(
        shown,
        headers=[column.title for column in columns],
        tablefmt="simple",
        disable_numparse=True,
        colalign=["right" if column.right else "left" for column in columns] if rows else None,
    )
    return "".join(line.rstrip() + "\n" for line in text.split("\n"))


def _cell(context: Context, column: Column, cell: Cell, width: int) -> str:
    lines = _lines(cell.text, width if context.width and column.flexible else None)
    return "\n".join(paint(context, line, cell.color) for line in lines)


def _write_blocks(
    context: Context, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]
) -> None:
    for number, row in enumerate(rows):
        if number:
            context.write("\n")
        pairs = zip(columns, row, strict=True)
        write_facts(
            context,
            [(column.title, cell._replace(whole=not column.flexible)) for column, cell in pairs],
        )
