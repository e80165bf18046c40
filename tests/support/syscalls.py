"""What processes ask of the system, traced by strace: what was synced before which words."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.waiting import until

_TRACED = (
    *("mkdir", "openat", "write", "pwrite64", "writev", "pwritev", "fsync", "fdatasync"),
    *("ftruncate", "unlink", "sendto", "sendmsg", "recvfrom"),
)
_WRITES = {"write", "pwrite64", "writev", "pwritev", "ftruncate"}
_SYNCS = {"fsync", "fdatasync"}
_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+).*", re.DOTALL)
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")
_DESCRIPTOR = re.compile(r"(\d+)<([^>]*)>")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HEX = re.compile(r"(?:\\x[0-9a-f]{2})+")


class Call(NamedTuple):
    """One call: on which descriptor or path, with which bytes; `began` and `ended` are in order."""

    pid: int
    name: str
    descriptor: int | None
    path: str
    data: bytes
    result: int
    began: int
    ended: int


def parse(lines: Iterable[str]) -> list[Call]:
    """The calls of a trace (`strace -f -y -xx`) in the order of their ends."""
    calls = []
    begun: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        began, text = number, line.rstrip("\n")
        if match := _BEGUN.fullmatch(text):
            begun[match[1]] = number, match[3]
            continue
        if match := _RESUMED.fullmatch(text):
            began, start = begun.pop(match[1])
            text = f"{match[1]} {match[2]}({start}{match[3]}"
        if match := _WHOLE.fullmatch(text):
            calls.append(_call(*match.groups(), began, number))
    return calls


def _call(pid: str, name: str, arguments: str, result: str, began: int, ended: int) -> Call:
    descriptor, string = _DESCRIPTOR.match(arguments), _STRING.search(arguments)
    data = _bytes(string[1]) if string else b""
    if descriptor is None:
        path = data.decode(errors="replace")
        return Call(int(pid), name, None, path, data, int(result), began, ended)
    path = _HEX.sub(lambda each: _bytes(each[0]).decode(), descriptor[2])
    return Call(int(pid), name, int(descriptor[1]), path, data, int(result), began, ended)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


class Moment(NamedTuple):
    """Something that matters to durability: what happens to a file, or a word to somebody."""

    at: int
    kind: str  # write, synced, gone or word
    path: str
    count: int = 1


def moments(calls: Sequence[Call], store: str, words: Callable[[Call], int]) -> list[Moment]:
    """What happens to the files of a store, and how many words each call is, in order.

    A write counts from its begin, a sync once it has succeeded and for what ended before it began.
    """
    found = []
    for call in calls:
        if call.path.startswith(store) and not call.path.endswith("-shm"):
            if call.name in _WRITES:
                found.append(Moment(call.began, "write", call.path))
            elif call.name in _SYNCS and call.result == 0:
                late = [
                    each
                    for each in calls
                    if each.path == call.path
                    and each.name in _WRITES
                    and each.began < call.ended
                    and each.ended > call.began
                ]
                if not late:
                    found.append(Moment(call.ended, "synced", call.path))
            elif call.name == "unlink" and call.result == 0:
                found.append(Moment(call.ended, "gone", call.path))
        if count := words(call):
            found.append(Moment(call.began, "word", call.path, count))
    return sorted(found)


def broken_words(history: Sequence[Moment]) -> list[str]:
    """The words that were given while something of the store was not synced, or for nothing.

    Each word stands for one transaction, that is for a time at which all had been synced.
    """
    problems, unsynced, durable, given = [], set(), 0, 0
    for moment in history:
        match moment.kind:
            case "write":
                unsynced.add(moment.path)
            case "word":
                given += moment.count
                if unsynced:
                    problems.append(f"word {given} came before {sorted(unsynced)} were synced")
                elif given > durable:
                    problems.append(f"word {given} came after {durable} durable transactions")
            case _ if moment.path in unsynced:
                unsynced.discard(moment.path)
                durable += not unsynced
    return problems


def is_durable_between(history: Sequence[Moment], after: int, before: int) -> bool:
    """Whether something was written, and all of it synced, between two moments."""
    unsynced: set[str] = set()
    durable = False
    for moment in history:
        if after < moment.at < before:
            if moment.kind == "write":
                unsynced.add(moment.path)
            elif moment.kind != "word" and moment.path in unsynced:
                unsynced.discard(moment.path)
                durable = True
    return durable and not unsynced


def strace() -> list[str]:
    """The command that traces what matters; skips where there is none."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("needs strace")
    probe = subprocess.run([program, "-qq", "-o", "/dev/null", "true"], check=False)
    if probe.returncode:
        pytest.skip("needs the permission to trace")
    whole = ["-s", "10000000", "-xx", "-y"]
    return [program, "-qq", "-f", *whole, "-e", f"trace={','.join(_TRACED)}", "-e", "signal=none"]


def traced(words: Sequence[str], trace: Path, stdin: bytes) -> list[Call]:
    """Run a program to its end, which has to be a success; its calls and those of its children."""
    command = [*strace(), "-o", str(trace), *words]
    subprocess.run(command, check=True, stdout=subprocess.PIPE, input=stdin)
    with trace.open() as lines:
        return parse(lines)


@contextmanager
def attached(pid: int, trace: Path) -> Iterator[list[Call]]:
    """Traces a running process; the list has its calls once the block has ended."""
    calls: list[Call] = []
    tracer = subprocess.Popen([*strace(), "-o", str(trace), "-p", str(pid)])
    try:
        status = Path(f"/proc/{pid}/status")
        until(lambda: f"TracerPid:\t{tracer.pid}\n" in status.read_text(), "the tracer attached")
        yield calls
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
    with trace.open() as lines:
        calls += parse(lines)
