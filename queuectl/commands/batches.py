"""Many jobs from a file or standard input: JSON Lines, a JSON array, or lines of text."""

import gc
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from queuectl.domain import strict_json
from queuectl.domain.errors import BadLine, BadValue, InvalidInput, QueuectlError
from queuectl.domain.job import JobSpec

STANDARD_INPUT = "-"

Check = Callable[[object], JobSpec]
Numbered = Iterable[tuple[int, Any]]


class Batch(NamedTuple):
    """Checked jobs; `numbers` says of each where it stood, `place` in what (`line`, `job`)."""

    specs: list[JobSpec]
    place: str
    numbers: list[int]

    def blame(self, error: BadLine) -> BadLine:
        """The error of a store about the n-th job, as one about its place in the input."""
        return BadLine(self.place, self.numbers[error.number - 1], error.cause)


def read_batch(args: Namespace, source: str, check: Check) -> Batch:
    """The jobs in a file (`-`: standard input), all checked; raises `BadLine` for the first bad."""
    template: str | None = args.template
    if template is not None and "{}" not in template:
        raise BadValue("--template", template, "a shell line with {} in it")
    text = _decoded(_read(source))
    if template is not None:
        return _checked("line", _filled_lines(text), _filler(template), check)
    if args.lines:
        return _checked("line", _filled_lines(text), _filler(None), check)
    if text.lstrip().startswith("["):
        return batch_of(strict_json.loads(text), check)
    return _checked("line", _filled_lines(text), strict_json.loads, check)


def batch_of(wishes: list[Any], check: Check) -> Batch:
    """The jobs of a JSON array, all checked; raises `BadLine` for the first bad."""
    return _checked("job", enumerate(wishes, 1), lambda wish: wish, check)


def _checked(place: str, items: Numbered, read: Callable[[Any], object], check: Check) -> Batch:
    specs: list[JobSpec] = []
    numbers: list[int] = []
    number = 0
    with _no_collection():
        try:
            for number, item in items:
                specs.append(check(read(item)))
                numbers.append(number)
        except QueuectlError as error:
            raise BadLine(place, number, error) from error
    return Batch(specs, place, numbers)


def _filler(template: str | None) -> Callable[[str], object]:
    def fill(line: str) -> object:
        text = line.removesuffix("\r")
        return {"command": template.replace("{}", shlex.quote(text)) if template else text}

    return fill


def _filled_lines(text: str) -> Iterator[tuple[int, str]]:
    # Only line feeds end a line: JSON may hold other line separators inside its strings.
    for number, line in enumerate(text.split("\n"), 1):
        if line and not line.isspace():
            yield number, line


def _read(source: str) -> bytes:
    if source == STANDARD_INPUT:
        if sys.stdin is None:
            raise InvalidInput("standard input is closed")
        return sys.stdin.buffer.read()
    try:
        with open(source, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadValue("--file", source, f"readable: {reason}") from None


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise BadLine("line", line, InvalidInput(f"byte 0x{byte:02x} is not UTF-8")) from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking over a million new specs again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
