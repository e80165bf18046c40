"""Records written for programs: JSON, JSON Lines, CSV and bare ids, one record after another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO

from queuectl.commands.command import Context
from queuectl.domain.job import Job
from queuectl.domain.text import visible

Record = dict[str, Any]

JOB_FIELDS = (*(name for name in Job._fields if name not in ("row", "seconds")), "duration")


def write_records(
    context: Context, format: str, records: Iterable[Record], *, key: str, fields: Sequence[str]
) -> None:
    """Write records one by one as `format`; `key` is the field that `ids` prints."""
    match format:
        case "json":
            _write_array(context, records)
        case "jsonl":
            encode = _encoder(context.out)
            for record in records:
                context.write(encode(record) + "\n")
        case "csv":
            _write_csv(context, records, fields)
        case "ids":
            for record in records:
                context.write(f"{record[key]}\n")


def write_record(context: Context, format: str, record: Record, *, key: str = "id") -> None:
    """Write one record: as JSON an object of several lines, otherwise like a list of one."""
    if format == "json":
        context.write(_encoder(context.out, indent=2)(record) + "\n")
    else:
        write_records(context, format, [record], key=key, fields=list(record))


def _write_array(context: Context, records: Iterable[Record]) -> None:
    encode, before = _encoder(context.out), "[\n"
    for record in records:
        context.write(before + encode(record))
        before = ",\n"
    context.write("[]\n" if before == "[\n" else "\n]\n")


def _write_csv(context: Context, records: Iterable[Record], fields: Sequence[str]) -> None:
    import csv

    encode = _encoder(context.out)
    writer = csv.writer(context.out, lineterminator="\n")
    writer.writerow(fields)
    for record in records:
        writer.writerow([_csv_cell(record[field], encode) for field in fields])


def _csv_cell(value: Any, encode: Callable[[Any], str]) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return encode(value)


def _encoder(out: TextIO, indent: int | None = None) -> Callable[[Any], str]:
    """JSON that no terminal takes for an escape and no encoding of `out` can spoil."""
    plain = json.JSONEncoder(ensure_ascii=False, indent=indent)
    ascii_only = json.JSONEncoder(ensure_ascii=True, indent=indent)
    if (getattr(out, "encoding", None) or "utf-8").lower().replace("_", "-") != "utf-8":
        return ascii_only.encode

    def encode(value: Any) -> str:
        text = plain.encode(value)
        if text.isascii() or visible(text) == text.replace("\n", "\\n"):
            return text
        return ascii_only.encode(value)

    return encode
