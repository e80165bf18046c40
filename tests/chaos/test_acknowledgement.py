"""No word that something is done comes before it is on disk: shown by the system calls."""

from __future__ import annotations

import pickle
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from queuectl.processes.messages import Orders, Report
from tests.support.installation import Installation
from tests.support.one_shot import OneShot
from tests.support.syscalls import (
    Call,
    attached,
    broken_words,
    is_durable_between,
    moments,
    parse,
    traced,
)

STORE = "/home/queue.db"


@pytest.fixture
def home(tmp_path: Path) -> OneShot:
    home = OneShot(tmp_path / "home")
    home("enqueue", "--id", "ended", "true")
    home("cancel", "ended")
    home("enqueue", "--id", "waiting", "--delay", "1h", "true")
    return home


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "home")
    yield installation
    installation.close()


def lines(call: Call) -> int:
    """How many lines on standard output a call is."""
    return call.data.count(b"\n") if call.name == "write" and call.descriptor == 1 else 0


def run(home: OneShot, tmp_path: Path, words: Sequence[str], stdin: str = "") -> list[Call]:
    return traced([*home.argv, *words], tmp_path / "trace", stdin.encode())


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (["enqueue", "true"], "", 1),
        (["enqueue", '[{"command": "true"}, {"command": "false"}]'], "", 1),
        (["enqueue", "--lines", "-"], "true\n" * 5000, 1),
        (["cancel", "waiting"], "", 1),
        (["retry", "ended"], "", 1),
        (["remove", "ended"], "", 1),
        (["config", "set", "poll", "2"], "", 1),
        ([], "enqueue true\nenqueue false\ncancel waiting\nenqueue echo\n", 4),
    ],
    ids=["enqueue", "array", "bulk", "cancel", "retry", "remove", "config set", "pipe"],
)
def test_a_command_speaks_once_what_it_did_is_on_disk(
    home: OneShot, tmp_path: Path, words: list[str], stdin: str, said: int
) -> None:
    calls = run(home, tmp_path, words, stdin)
    history = moments(calls, f"{home.home}/queue.db", lines)
    assert sum(moment.count for moment in history if moment.kind == "word") == said
    assert broken_words(history) == []


def test_the_first_job_of_a_home_is_on_disk_with_all_folders_that_lead_to_it(
    tmp_path: Path,
) -> None:
    home = OneShot(tmp_path / "new" / "home")
    calls = run(home, tmp_path, ["enqueue", "true"])
    assert broken_words(moments(calls, f"{home.home}/queue.db", lines)) == []
    (word,) = [call.began for call in calls if lines(call)]
    for made in (home.home.parent, home.home, home.home / "queue.db", home.home / "queue.db-wal"):
        (begin,) = [
            call.ended
            for call in calls
            if call.name in ("mkdir", "openat") and call.path == str(made) and _creates(call)
        ][:1]
        assert any(
            begin < call.began and call.ended < word and call.result == 0
            for call in calls
            if call.name in ("fsync", "fdatasync") and call.path == str(made.parent)
        ), made


def _creates(call: Call) -> bool:
    return call.result >= 0


class Conversation:
    """The messages on the sockets of a traced process, with the calls that carried them."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.heard: dict[str, list[tuple[Report, Call]]] = defaultdict(list)
        self.said: dict[str, list[tuple[Orders, Call]]] = defaultdict(list)
        buffers: dict[tuple[str, str], bytes] = defaultdict(bytes)
        for call in calls:
            if call.name in ("sendto", "recvfrom") and call.result > 0:
                key = call.name, call.path
                messages, buffers[key] = _messages(buffers[key] + call.data[: call.result])
                for message in messages:
                    if isinstance(message, Report):
                        self.heard[call.path].append((message, call))
                    elif isinstance(message, Orders):
                        self.said[call.path].append((message, call))


def _messages(data: bytes) -> tuple[list[object], bytes]:
    messages = []
    while len(data) >= 4:
        (length,) = struct.unpack_from("!I", data)
        body = data[4 : 4 + length]
        if len(body) < length or not body.startswith(b"\x80"):
            break
        messages.append(pickle.loads(body))
        data = data[4 + length :]
    return messages, data


def test_the_supervisor_lets_a_worker_forget_an_end_once_it_is_on_disk(
    place: Installation, tmp_path: Path
) -> None:
    place.start(2)
    with attached(place.supervisor, tmp_path / "trace") as calls:
        jobs = [place.queue.enqueue(f"exit {n % 2}", max_retries=0).id for n in range(12)]
        place.queue.wait(jobs, 60)
        # Its words follow the commit that the wait has seen.
        place.ctl("worker", "stop")
    assert _early_words(calls, place.queue.home.database) == []
    talk = Conversation(calls)
    ends = [end for heard in talk.heard.values() for report, _ in heard for end in report.ended]
    assert len(ends) == len(jobs)


def _early_words(calls: Sequence[Call], store: str) -> list[str]:
    """The acknowledgements of reports that were not recorded, or not synced, before them."""
    talk, problems = Conversation(calls), []
    history = moments(calls, store, lambda call: 0)
    for path, said in talk.said.items():
        heard = {report.number: call.ended for report, call in talk.heard[path]}
        known = min(heard, default=1) - 1
        for orders, call in said:
            problems += [
                f"{path}: report {number} was acknowledged too early"
                for number in range(known + 1, orders.recorded + 1)
                if not is_durable_between(history, heard.get(number, call.began), call.began)
            ]
            known = max(known, orders.recorded)
        if known < max(heard, default=0):
            problems.append(f"{path}: report {max(heard)} was never acknowledged")
    return problems


# The checks themselves, against traces that must not pass.

GOOD = r"""
7 openat(AT_FDCWD<\x2f>, "\x2f\x68\x6f\x6d\x65", O_RDWR) = 4<\x2f\x68\x6f\x6d\x65>
7 pwrite64(4</home/queue.db-wal>, "\x01\x02", 2, 0) = 2
7 fdatasync(4</home/queue.db-wal>) = 0
7 write(1<pipe:[1]>, "\x6a\x31\x0a", 3) = 3
"""
NO_SYNC = GOOD.replace("7 fdatasync(4</home/queue.db-wal>) = 0\n", "")
FAILED_SYNC = GOOD.replace("wal>) = 0", "wal>) = -1 EIO (Input/output error)")
SYNC_OF_ANOTHER = GOOD.replace("fdatasync(4</home/queue.db-wal>", "fdatasync(3</home/queue.db>")
EARLY = r"""
7 pwrite64(4</home/queue.db-wal>, "\x01\x02", 2, 0) = 2
7 write(1<pipe:[1]>, "\x6a\x31\x0a", 3) = 3
7 fdatasync(4</home/queue.db-wal>) = 0
"""
WRITTEN_AGAIN = GOOD.replace(
    "7 write", '7 pwrite64(4</home/queue.db-wal>, "\\x01", 1, 2) = 1\n7 write'
)
NOTHING_WRITTEN = r"""
7 fdatasync(4</home/queue.db-wal>) = 0
7 write(1<pipe:[1]>, "\x6a\x31\x0a", 3) = 3
"""
TWO_WORDS = (
    GOOD
    + r"""7 write(1<pipe:[1]>, "\x6a\x31\x0a", 3) = 3
"""
)
WRITTEN_DURING_THE_SYNC = r"""
7 fdatasync(4</home/queue.db-wal> <unfinished ...>
8 pwrite64(4</home/queue.db-wal>, "\x01\x02", 2, 0) = 2
7 <... fdatasync resumed>) = 0
7 write(1<pipe:[1]>, "\x6a\x31\x0a", 3) = 3
"""
WORD_BEGUN_DURING_THE_SYNC = r"""
7 pwrite64(4</home/queue.db-wal>, "\x01\x02", 2, 0) = 2
7 fdatasync(4</home/queue.db-wal> <unfinished ...>
8 write(1<pipe:[1]>, "\x6a\x31\x0a", 3) = 3
7 <... fdatasync resumed>) = 0
"""
BAD = {
    "no sync": NO_SYNC,
    "failed sync": FAILED_SYNC,
    "sync of another file": SYNC_OF_ANOTHER,
    "early": EARLY,
    "written again": WRITTEN_AGAIN,
    "nothing written": NOTHING_WRITTEN,
    "two words for one transaction": TWO_WORDS,
    "written during the sync": WRITTEN_DURING_THE_SYNC,
    "a word during the sync": WORD_BEGUN_DURING_THE_SYNC,
}


def planted(text: str) -> list[Call]:
    return parse(text.strip().splitlines())


def test_a_trace_is_read_with_names_bytes_and_results() -> None:
    opened, written, synced, said = planted(GOOD)
    assert (opened.name, opened.path, opened.result) == ("openat", "/home", 4)
    assert (written.path, written.data, written.descriptor) == (STORE + "-wal", b"\x01\x02", 4)
    assert (synced.name, synced.result, said.data) == ("fdatasync", 0, b"j1\n")
    held = planted(WORD_BEGUN_DURING_THE_SYNC)
    assert [(call.name, call.began, call.ended) for call in held] == [
        ("pwrite64", 0, 0),
        ("write", 2, 2),
        ("fdatasync", 1, 3),
    ]


def test_a_good_trace_passes() -> None:
    assert broken_words(moments(planted(GOOD), STORE, lines)) == []


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_word_before_its_sync_is_caught(text: str) -> None:
    assert len(broken_words(moments(planted(text), STORE, lines))) == 1


def test_a_real_command_whose_syncs_are_taken_away_is_caught(home: OneShot, tmp_path: Path) -> None:
    calls = run(home, tmp_path, ["enqueue", "true"])
    silent = [call for call in calls if call.name != "fdatasync"]
    assert broken_words(moments(silent, f"{home.home}/queue.db", lines))


def _message(message: object) -> str:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    data = struct.pack("!I", len(body)) + body
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + f'", {len(data)}'


def _exchange(*middle: str) -> list[Call]:
    report, orders = _message(Report(1, (), ())), _message(Orders(1))
    length = report.rpartition(" ")[2]
    return planted(
        "\n".join(
            [
                f"7 recvfrom(9<socket:[1]>, {report}, 0, NULL, NULL) = {length}",
                *middle,
                f"7 sendto(9<socket:[1]>, {orders}, 0, NULL, 0) = {orders.rpartition(' ')[2]}",
            ]
        )
    )


def test_an_early_acknowledgement_of_a_report_is_caught() -> None:
    write, sync = GOOD.strip().splitlines()[1:3]
    assert _early_words(_exchange(write, sync), STORE) == []
    for middle in ([], [write], [sync], [sync, write], [write, sync, write]):
        assert len(_early_words(_exchange(*middle), STORE)) == 1
