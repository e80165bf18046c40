"""Checks a wish for a job, field by field, and fills in the defaults."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from queuectl.domain.errors import BadValue, InvalidInput, UnknownName
from queuectl.domain.job import JobSpec
from queuectl.domain.retry import backoff_from_json
from queuectl.domain.settings import Settings
from queuectl.domain.timing import MAX_DURATION, parse_duration, parse_time

MAX_PRIORITY = 1_000_000
MAX_RETRIES = 1_000_000
MAX_TAGS = 100
# The kernel takes no longer single argument or environment string (MAX_ARG_STRLEN less its NUL).
MAX_TEXT = 131_071
_NAME = re.compile(r"[A-Za-z0-9._:-]{1,200}", re.ASCII)
_GENERATED = r"j[0-9]+"
_FIELDS = JobSpec._fields
_NAME_WANTED = "1 to 200 of letters, digits and ._:-"
_TAGS_WANTED = f"a list of at most {MAX_TAGS} tags"

Check = Callable[[Any, JobSpec, int], Any]


def default_spec(settings: Settings, cwd: str | None) -> JobSpec:
    """A spec without a command that carries the defaults in force; raises `BadValue` for `cwd`."""
    return JobSpec(
        id=None,
        command=None,
        args=None,
        queue="default",
        priority=0,
        max_retries=settings.max_retries,
        run_at=None,
        delay=None,
        timeout=settings.timeout,
        backoff=settings.backoff,
        env=None,
        cwd=None if cwd is None else _absolute(cwd),
        tags=(),
    )


def spec_from_mapping(mapping: object, default: JobSpec, now: int) -> JobSpec:
    """The spec that a JSON object asks for, on top of `default`; raises `InvalidInput`."""
    return finished(overlay(mapping, default, now))


def overlay(mapping: object, default: JobSpec, now: int) -> JobSpec:
    """`default` with the fields of `mapping` checked and put over it, perhaps without a command."""
    if not isinstance(mapping, dict):
        raise BadValue("job", mapping, "a JSON object")
    changes: dict[str, Any] = {}
    for key, value in mapping.items():
        check = CHECKS.get(key)
        if check is None:
            raise UnknownName("field", str(key), CHECKS)
        changes[key] = check(value, default, now)
    _settle_pair(changes, "command", "args")
    _settle_pair(changes, "run_at", "delay")
    return JobSpec._make(map(changes.get, _FIELDS, default))


def _settle_pair(changes: dict[str, Any], one: str, other: str) -> None:
    # Of two fields that exclude each other, the one that was given displaces a default.
    if changes.get(one) is not None:
        if changes.get(other) is not None:
            raise InvalidInput(f"{one} and {other} exclude each other: give one of them")
        changes[other] = None
    elif changes.get(other) is not None:
        changes[one] = None


def finished(spec: JobSpec) -> JobSpec:
    """`spec` itself, if it has a command; raises `InvalidInput` otherwise."""
    if spec.command is None and spec.args is None:
        raise InvalidInput("a job needs a command (a shell line) or args (a list of words)")
    return spec


def check_name(field: str, value: object) -> str:
    """A name of a job, queue or tag; raises `BadValue`."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise BadValue(field, value, _NAME_WANTED)
    return value


def _id(value: Any, default: JobSpec, now: int) -> str | None:
    if value is None:
        return None
    name = check_name("id", value)
    if re.fullmatch(_GENERATED, name):
        raise BadValue("id", value, "free: j and digits are for generated ids")
    return name


def _queue(value: Any, default: JobSpec, now: int) -> str:
    return check_name("queue", value)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(field, value, "a text")
    if "\0" in value:
        raise BadValue(field, value, "free of NUL characters")
    if value.isascii():
        size = len(value)
    else:
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise BadValue(field, value, "valid UTF-8") from None
    if size > MAX_TEXT:
        raise BadValue(field, value, f"at most {MAX_TEXT} bytes long (it has {size})")
    return value


def _command(value: Any, default: JobSpec, now: int) -> str | None:
    if value is None:
        return None
    if not _text("command", value).strip():
        raise BadValue("command", value, "a shell line that is not blank")
    return str(value)


def _args(value: Any, default: JobSpec, now: int) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not value:
        raise BadValue("args", value, "a list of words, the program first")
    words = tuple(_text("args", word) for word in value)
    if not words[0].strip():
        raise BadValue("args", words[0], "a program that is not blank")
    return words


def _integer(field: str, value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:  # a boolean is no number here
        raise BadValue(field, value, f"an integer from {low} to {high}")
    return value


def _priority(value: Any, default: JobSpec, now: int) -> int:
    return _integer("priority", value, -MAX_PRIORITY, MAX_PRIORITY)


def _max_retries(value: Any, default: JobSpec, now: int) -> int:
    return _integer("max_retries", value, 0, MAX_RETRIES)


def _seconds(field: str, value: Any) -> float:
    if isinstance(value, str):
        return parse_duration(value, field)
    if type(value) not in (int, float) or not 0 <= value <= MAX_DURATION:
        raise BadValue(field, value, "a number of seconds, 0 or more, or a duration")
    return float(value + 0.0)  # no minus before a zero


def _delay(value: Any, default: JobSpec, now: int) -> float | None:
    return None if value is None else _seconds("delay", value)


def _timeout(value: Any, default: JobSpec, now: int) -> float | None:
    if value is None or value == "none":
        return None
    seconds = _seconds("timeout", value)
    if seconds <= 0:
        raise BadValue("timeout", value, "more than 0 seconds")
    return seconds


def _run_at(value: Any, default: JobSpec, now: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadValue("run_at", value, "a time (ISO 8601, HH:MM, or now+DURATION)")
    return parse_time(value, now, field="run_at")


def _env(value: Any, default: JobSpec, now: int) -> dict[str, str] | None:
    if value is None:
        return default.env
    if not isinstance(value, dict):
        raise BadValue("env", value, "an object of texts")
    for name, text in value.items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise BadValue("env", name, "a variable name without = and NUL")
        if not isinstance(text, str):
            raise BadValue("env", name, "a variable with a text as its value")
        _variable(name, text)
    return {**(default.env or {}), **value} or None


def _variable(name: str, text: str) -> None:
    # A value may be a secret, so only the name is shown.
    try:
        _text("env", f"{name}={text}")
    except BadValue as error:
        raise BadValue("env", name, f"a variable whose value is {error.wanted}") from None


def _cwd(value: Any, default: JobSpec, now: int) -> str | None:
    return default.cwd if value is None else _absolute(value)


def _absolute(path: Any) -> str:
    if not _text("cwd", path).startswith("/"):
        raise BadValue("cwd", path, "an absolute path")
    return str(path)


def _tags(value: Any, default: JobSpec, now: int) -> tuple[str, ...]:
    if value is None:
        return default.tags
    if not isinstance(value, (list, tuple)):
        raise BadValue("tags", value, _TAGS_WANTED)
    names = dict.fromkeys((*default.tags, *(check_name("tags", tag) for tag in value)))
    if len(names) > MAX_TAGS:
        raise BadValue("tags", value, _TAGS_WANTED)
    return tuple(names)


def _backoff(value: Any, default: JobSpec, now: int) -> Any:
    return default.backoff if value is None else backoff_from_json(value, default.backoff)


CHECKS: dict[str, Check] = {
    "id": _id,
    "command": _command,
    "args": _args,
    "queue": _queue,
    "priority": _priority,
    "max_retries": _max_retries,
    "run_at": _run_at,
    "delay": _delay,
    "timeout": _timeout,
    "backoff": _backoff,
    "env": _env,
    "cwd": _cwd,
    "tags": _tags,
}
