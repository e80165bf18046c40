"""Records come out whole in every format, and JSON is safe on a terminal."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from queuectl.app import App
from queuectl.commands.command import Context
from queuectl.commands.formats import Record, write_record, write_records

TEXT = st.text(max_size=20) | st.sampled_from(["\x9b31m", "\u202e", "\ud800", 'a"b,\nc', "漢"])
RECORDS = st.lists(
    st.fixed_dictionaries({"id": TEXT, "value": st.none() | st.booleans() | st.integers() | TEXT})
)


def _written(format: str, records: list[Record], out: io.TextIOBase | None = None) -> str:
    out = out or io.StringIO()
    context = Context(App(), out, io.StringIO())  # type: ignore[arg-type]
    write_records(context, format, iter(records), key="id", fields=("id", "value"))
    out.seek(0)
    return out.read()


@given(RECORDS)
def test_json_and_json_lines_hold_the_same(records: list[Record]) -> None:
    array, lines = _written("json", records), _written("jsonl", records)
    assert json.loads(array) == records
    assert [json.loads(line) for line in lines.split("\n")[:-1]] == records


@given(RECORDS)
def test_json_holds_nothing_that_a_terminal_acts_on(records: list[Record]) -> None:
    text = _written("json", records)
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)
    text.encode()


def test_csv_is_read_back_with_values_as_json() -> None:
    records = [{"id": 'a"b,\nc', "value": None}, {"id": "b", "value": {"x": [1, True]}}]
    header, *rows = csv.reader(io.StringIO(_written("csv", records)))
    assert header == ["id", "value"]
    assert rows == [['a"b,\nc', ""], ["b", '{"x": [1, true]}']]


def test_ids_stand_one_a_line() -> None:
    assert _written("ids", [{"id": "a"}, {"id": "b"}]) == "a\nb\n"


def test_an_encoding_without_all_characters_gets_plain_ascii() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert json.loads(_written("json", [{"id": "漢", "value": 1}], out))[0]["id"] == "漢"


def test_one_record_is_an_object() -> None:
    context = Context(App(), io.StringIO(), io.StringIO())
    write_record(context, "json", {"id": "a", "tags": ["漢"]})
    text = context.out.getvalue()  # type: ignore[attr-defined]
    assert json.loads(text) == {"id": "a", "tags": ["漢"]}
    assert "漢" in text
