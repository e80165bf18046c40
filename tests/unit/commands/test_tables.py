"""Tables fit the terminal, keep ids whole, and are safe to print."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.app import App
from queuectl.commands.command import Context
from queuectl.commands.tables import (
    NARROWEST,
    Cell,
    Column,
    display_width,
    fitted,
    wrapped,
    write_facts,
    write_table,
)

COLUMNS = (Column("ID"), Column("Command", flexible=True), Column("Error", flexible=True))


def _table(rows: list[tuple[str | Cell, ...]], width: int | None = None) -> list[str]:
    context = Context(App(), io.StringIO(), io.StringIO(), width=width)
    write_table(context, COLUMNS, rows)
    return context.out.getvalue().splitlines()  # type: ignore[attr-defined]


def test_no_width_means_no_wrapping() -> None:
    assert _table([("a", "x" * 300, "")])[2] == "a   " + "x" * 300


def test_the_widest_flexible_column_gives_way_first() -> None:
    assert fitted(COLUMNS, [4, 50, 20], 60) == [4, 32, 20]
    assert fitted(COLUMNS, [4, 50, 50], 60) == [4, 26, 26]
    assert fitted(COLUMNS, [4, 50, 50], None) == [4, 50, 50]


def test_a_table_that_cannot_be_narrow_enough_becomes_blocks() -> None:
    assert fitted(COLUMNS, [50, 50, 50], 60) is None
    lines = _table([("i" * 70, "make all", "no"), ("b", "c", "d")], 60)
    assert lines == [
        "ID       " + "i" * 70,
        "Command  make all",
        "Error    no",
        "",
        "ID       b",
        "Command  c",
        "Error    d",
    ]


def test_wide_characters_leave_the_columns_where_they_are_also_after_a_table_without_any() -> None:
    _table([("a", "b", "c")])
    *_, wide, narrow = _table([("a", "漢字", "c"), ("a", "four", "c")])
    assert (wide, narrow) == ("a   漢字     c", "a   four     c")
    assert _table([("a", "b", "c")])[2:] == ["a   b        c"]


def test_what_could_act_on_a_terminal_is_spelled_out() -> None:
    (row,) = _table([("a", "x\x1b[2J\n\u202e漢", "\x00")])[2:]
    assert row.split() == ["a", r"x\e[2J\n\u202e漢", r"\0"]


@given(st.text(alphabet="ab 漢e\u0301", max_size=200), st.integers(2, 40))
def test_wrapping_loses_only_blanks_at_the_breaks(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(display_width(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wide_characters_count_twice() -> None:
    assert display_width("漢字ab") == 6
    assert wrapped("漢字漢字", 5) == ["漢字", "漢字"]


@given(
    st.lists(st.integers(1, 200), min_size=3, max_size=3),
    st.integers(NARROWEST * 2 + 10, 200),
)
def test_a_fitted_table_is_never_wider_than_asked(natural: list[int], width: int) -> None:
    widths = fitted(COLUMNS, natural, width)
    if widths is not None:
        assert sum(widths) + 2 * (len(widths) - 1) <= width
        assert widths[0] == natural[0]
    else:
        assert natural[0] + 2 * NARROWEST + 4 > width or min(natural[1:]) < NARROWEST


@pytest.mark.parametrize("width", [30, None])
def test_facts_stand_under_each_other(width: int | None) -> None:
    context = Context(App(), io.StringIO(), io.StringIO(), width=width)
    write_facts(context, [("ID", Cell("i" * 40, whole=True)), ("Command", "echo " * 6)])
    lines = context.out.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "ID       " + "i" * 40
    assert len(lines) == (2 if width is None else 3)
    assert all(line.startswith(("Command  echo", "         echo")) for line in lines[1:])
