"""The command `config`: every setting with its value, default, source and meaning."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from queuectl.commands import arguments, formats
from queuectl.commands.command import Context
from queuectl.commands.tables import Column, write_table
from queuectl.domain.settings import (
    SETTINGS,
    Setting,
    Value,
    find_setting,
    format_value,
    parse_value,
)

_COLUMNS = (
    Column("Setting"),
    Column("Value"),
    Column("Default"),
    Column("Source"),
    Column("Meaning", flexible=True),
)
_WIDEST = 24  # `get` shows all of a value
FIELDS = ("key", "value", "default", "source", "meaning")


def configure(parser: ArgumentParser) -> None:
    """The grammar."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    arguments.add_format(actions.add_parser("list", help="show all settings"))
    one = actions.add_parser("get", help="show one setting")
    _add_key(one)
    arguments.add_format(one)
    change = actions.add_parser("set", help="change a setting")
    _add_key(change)
    change.add_argument("value", metavar="VALUE", help="new value")
    _add_key(actions.add_parser("unset", help="go back to the default of a setting"))


def run(context: Context, args: Namespace) -> int:
    """Do what the action says."""
    match args.action:
        case "list":
            return _list(context, args)
        case "get":
            return _get(context, args)
        case "set":
            return _set(context, find_setting(args.key), args.value)
        case _:
            return _unset(context, find_setting(args.key))


def _add_key(parser: ArgumentParser) -> None:
    action = parser.add_argument("key", metavar="KEY", help="name of the setting")
    arguments.completed(action, "setting")


def _list(context: Context, args: Namespace) -> int:
    if args.format == "table":
        write_table(context, _COLUMNS, [_row(context, setting) for setting in SETTINGS.values()])
        return 0
    records = (_record(context, setting) for setting in SETTINGS.values())
    formats.write_records(context, args.format, records, key="key", fields=FIELDS)
    return 0


def _get(context: Context, args: Namespace) -> int:
    setting = find_setting(args.key)
    if args.format == "table":
        context.write(format_value(setting, _value(context, setting)) + "\n")
    else:
        formats.write_record(context, args.format, _record(context, setting), key="key")
    return 0


def _set(context: Context, setting: Setting, text: str) -> int:
    value = parse_value(setting, text)
    context.queue.set(setting.key, text)
    context.say(f"{setting.key} = {format_value(setting, value)}")
    return 0


def _unset(context: Context, setting: Setting) -> int:
    context.queue.set(setting.key, None)
    context.say(f"{setting.key} = {format_value(setting, setting.default)} (default)")
    return 0


def _value(context: Context, setting: Setting) -> Value:
    value: Value = getattr(context.queue.settings(), setting.key)
    return value


def _source(context: Context, setting: Setting) -> str:
    return "store" if setting.key in context.queue.store.stored_settings() else "default"


def _row(context: Context, setting: Setting) -> tuple[str, ...]:
    return (
        setting.key,
        _short(format_value(setting, _value(context, setting))),
        _short(format_value(setting, setting.default)),
        _source(context, setting),
        setting.meaning,
    )


def _short(text: str) -> str:
    # A long list of names would make every other line of the table as wide.
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."


def _record(context: Context, setting: Setting) -> dict[str, Any]:
    return {
        "key": setting.key,
        "value": _value(context, setting),
        "default": setting.default,
        "source": _source(context, setting),
        "meaning": setting.meaning,
    }
