"""Bad input ends with one line that says what would be right, and changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from queuectl import JobQueue
from tests.support.one_shot import OneShot

LONG = "x" * 201


@pytest.fixture(scope="module")
def queuectl(tmp_path_factory: pytest.TempPathFactory) -> OneShot:
    queuectl = OneShot(tmp_path_factory.mktemp("bad") / "home")
    queuectl("enqueue", "--id", "taken", "true")
    queuectl("enqueue", "--id", "later", "--delay", "1d", "true")
    return queuectl


@pytest.fixture
def unchanged(queuectl: OneShot) -> Iterator[None]:
    before = _content(queuectl)
    yield
    assert _content(queuectl) == before


def _content(queuectl: OneShot) -> tuple[Any, ...]:
    with JobQueue(home=str(queuectl.home)) as queue:
        jobs = [job.as_record() for job in queue.list()]
        return jobs, queue.store.tallies(), queue.store.stored_settings(), queue.workers()


def _job(**fields: Any) -> str:
    return json.dumps({"command": "true", **fields})


FIELDS = {
    "id of a wrong type": (_job(id=7), "id: '7' is not 1 to 200"),
    "id that is empty": (_job(id=""), "id: '' is not 1 to 200"),
    "id that is too long": (_job(id=LONG), "is not 1 to 200 of letters"),
    "id with a blank": (_job(id="a b"), "id: 'a b' is not"),
    "id with a newline": (_job(id="a\n"), "id: 'a\\n' is not"),
    "id with NUL": (_job(id="a\0"), "id: 'a\\0' is not"),
    "id that is generated": (_job(id="j7"), "id: 'j7' is not free"),
    "command of a wrong type": ('{"command":["ls"]}', "command: "),
    "command that is empty": ('{"command":""}', "command: '' is not a shell line"),
    "command that is blank": ('{"command":" \\t"}', "is not a shell line that is not blank"),
    "command with NUL": ('{"command":"a\\u0000b"}', "is not free of NUL"),
    "command with a lone surrogate": ('{"command":"\\ud800"}', "is not valid UTF-8"),
    "no command": ("{}", "a job needs a command"),
    "command and args": ('{"command":"a","args":["b"]}', "exclude each other"),
    "args of a wrong type": ('{"args":"ls"}', "args: 'ls' is not a list of words"),
    "args without a word": ('{"args":[]}', "is not a list of words"),
    "args with a number": ('{"args":["a",1]}', "args: '1' is not a text"),
    "args with a blank program": ('{"args":[" "]}', "is not a program that is not blank"),
    "args with NUL": ('{"args":["a","\\u0000"]}', "is not free of NUL"),
    "queue of a wrong type": (_job(queue=None), "queue: "),
    "queue with a slash": (_job(queue="a/b"), "queue: 'a/b' is not"),
    "priority as text": (_job(priority="5"), "priority: '5' is not an integer"),
    "priority as boolean": (_job(priority=True), "priority: 'true' is not an integer"),
    "priority as fraction": (_job(priority=1.5), "priority: '1.5' is not an integer"),
    "priority too high": (_job(priority=1_000_001), "from -1000000 to 1000000"),
    "priority with too many digits": ('{"command":"x","priority":1' + "0" * 5000 + "}", "invalid"),
    "priority that is not a number": ('{"command":"x","priority":NaN}', "NaN is not a JSON number"),
    "priority without end": ('{"command":"x","priority":-Infinity}', "-Infinity is not a JSON"),
    "max_retries below 0": (_job(max_retries=-1), "from 0 to 1000000"),
    "max_retries too high": (_job(max_retries=1_000_001), "from 0 to 1000000"),
    "run_at of a wrong type": (_job(run_at=5), "run_at: '5' is not a time"),
    "run_at that is no time": (_job(run_at="25:00"), "run_at: '25:00' is not a time"),
    "run_at and delay": (_job(run_at="now", delay=1), "run_at and delay exclude each other"),
    "delay below 0": (_job(delay=-1), "delay: '-1' is not"),
    "delay that is no duration": (_job(delay="5 fortnights"), "is not a duration"),
    "delay of a millennium": (_job(delay=4e10), "delay: "),
    "timeout of 0": (_job(timeout=0), "timeout: '0' is not more than 0"),
    "timeout as boolean": (_job(timeout=True), "timeout: 'true' is not"),
    "backoff of a wrong type": (_job(backoff=5), "backoff: '5' is not"),
    "backoff with a typo": (_job(backoff={"stratgy": "fixed"}), "did you mean 'strategy'?"),
    "backoff of an unknown strategy": (_job(backoff="exponetial"), "did you mean 'exponential'?"),
    "backoff without delays": (_job(backoff={"strategy": "list"}), "a list of 1 to 1000 delays"),
    "backoff with a wild jitter": (_job(backoff={"jitter": 2}), "a number from 0 to 1"),
    "env of a wrong type": (_job(env=["A=1"]), "is not an object of texts"),
    "env with a number": (_job(env={"A": 1}), "env: 'A' is not a variable with a text"),
    "env with =": (_job(env={"A=B": "1"}), "env: 'A=B' is not a variable name"),
    "env without a name": (_job(env={"": "1"}), "env: '' is not a variable name"),
    "env with NUL": (_job(env={"A": "\0"}), "whose value is free of NUL"),
    "cwd that is relative": (_job(cwd="src"), "cwd: 'src' is not an absolute path"),
    "cwd that is not there": (_job(cwd="/no/such/folder"), "is not an existing folder"),
    "cwd that is a file": (_job(cwd="/dev/null"), "cwd: '/dev/null' is not an existing folder"),
    "tags of a wrong type": (_job(tags="a"), "tags: 'a' is not a list"),
    "tags with a blank": (_job(tags=["a b"]), "tags: 'a b' is not"),
    "unknown field": (_job(prioritty=1), "unknown field 'prioritty': did you mean 'priority'?"),
    "key that stands twice": ('{"command":"a","command":"b"}', "the key 'command' stands twice"),
    "half an object": ('{"command":"a"', "invalid JSON"),
    "half an array": ('[{"command":"a"},', "invalid JSON"),
    "unquoted keys": ("{command:a}", "invalid JSON"),
    "something behind": ('{"command":"a"} x', "something follows the value"),
    "too deep": ('{"command":' + "[" * 100_000, "nested too deeply"),
    "array of numbers": ('[{"command":"a"}, 5]', "job 2: "),
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("text", "told"), FIELDS.values(), ids=FIELDS.keys())
def test_a_bad_job_is_refused(queuectl: OneShot, text: str, told: str) -> None:
    assert told in queuectl.refused(2, "enqueue", text)


WORDS: dict[str, tuple[list[str], int, str]] = {
    "unknown command": (["enqeue"], 2, "unknown command 'enqeue': did you mean 'enqueue'?"),
    "unknown option before": (["--hom", "x"], 2, "unknown option '--hom': did you mean '--home'?"),
    "home without a value": (["--home"], 2, "--home needs a value"),
    "value for a flag": (["--quiet=1", "list"], 2, "unknown option"),
    "option before that stands behind": (["list", "--home", "x"], 2, "stands before the command"),
    "unknown option": (["list", "--stat", "dead"], 2, "did you mean '--state'?"),
    "abbreviated option": (["enqueue", "--prio", "5", "x"], 2, "did you mean '--priority'?"),
    "unexpected word": (["status", "now"], 2, "unexpected word 'now'"),
    "missing word": (["show"], 2, "required: ID"),
    "missing value": (["list", "--limit"], 2, "--limit needs a value"),
    "unknown nested command": (["dlq", "lst"], 2, "did you mean 'list'?"),
    "missing nested command": (["worker"], 2, "required: ACTION"),
    "unknown format": (["list", "--format", "xml"], 2, "unknown format 'xml'"),
    "format that makes no sense": (["status", "--format", "ids"], 2, "unknown format 'ids'"),
    "nothing to enqueue": (["enqueue"], 2, "nothing to enqueue"),
    "nothing behind dashes": (["enqueue", "--"], 2, "nothing to enqueue"),
    "empty shell line": (["enqueue", ""], 2, "command: '' is not"),
    "words behind JSON": (["enqueue", '{"command":"a"}', "b"], 2, "unexpected word 'b'"),
    "two jobs as JSON": (["enqueue", '{"command":"a"}', '{"command":"b"}'], 2, "unexpected word"),
    "words behind -": (["enqueue", "-", "b"], 2, "unexpected word 'b' after -"),
    "unknown option behind JSON": (["enqueue", "{}", "--prioriti", "1"], 2, "'--priority'"),
    "lines from nowhere": (["enqueue", "--lines", "true"], 2, "--lines needs lines"),
    "template without a place": (["enqueue", "--template", "x", "-"], 2, "with {} in it"),
    "file and words": (["enqueue", "--file", "x", "true"], 2, "exclude each other"),
    "file that is not there": (["enqueue", "--file", "/no/such"], 2, "'/no/such' is not readable"),
    "file that is a folder": (["enqueue", "--file", "/"], 2, "Is a directory"),
    "delay and time": (["enqueue", "--delay", "1", "--at", "now", "x"], 2, "exclude each other"),
    "variable without =": (["enqueue", "--env", "A", "x"], 2, "--env: 'A' is not NAME=VALUE"),
    "folder that is not there": (["enqueue", "--cwd", "/no/such", "x"], 2, "an existing folder"),
    "one id for two": (["enqueue", "--id", "a", "[{}, {}]"], 2, "job 1: a job needs"),
    "one id for two jobs": (["enqueue", "--id", "a", f"[{_job()}, {_job()}]"], 2, "names one job"),
    "id that is taken": (["enqueue", "--id", "taken", "x"], 1, "'taken' exists already"),
    "id twice in an array": (["enqueue", f"[{_job(id='a')}, {_job(id='a')}]"], 1, "job 2: a job"),
    "unknown policy": (["enqueue", "--on-conflict", "skp", "x"], 2, "did you mean 'skip'?"),
    "state that is none": (["list", "--state", "ded"], 2, "did you mean 'dead'?"),
    "order that is none": (["list", "--sort", "-age"], 2, "--sort: '-age' is not"),
    "limit below 0": (["list", "--limit", "-1"], 2, "--limit: '-1' is not"),
    "limit beyond all counts": (["list", "--limit", "9" * 25], 2, "--limit: '999999"),
    "offset that is no number": (["list", "--offset", "x"], 2, "--offset: 'x' is not"),
    "time that is none": (["list", "--since", "yesterday"], 2, "--since: 'yesterday' is not a"),
    "no such job": (["show", "nope"], 1, "no such job: 'nope'"),
    "id that can be none": (["show", "a b"], 2, "id: 'a b' is not"),
    "attempt that was not": (["logs", "taken", "--attempt", "1"], 1, "it has not run yet"),
    "attempt 0": (["logs", "taken", "--attempt", "0"], 2, "--attempt: '0' is not"),
    "nobody to cancel": (["cancel"], 2, "give ids of jobs, or --state"),
    "ids and filters": (["cancel", "taken", "--queue", "q"], 2, "not both"),
    "one of two is not there": (["cancel", "taken", "nope"], 1, "no such job: 'nope'"),
    "nothing matched": (["cancel", "--queue", "nope"], 1, "no job to cancel matches"),
    "nothing to retry": (["retry", "--all"], 1, "no job to retry matches"),
    "wrong state": (["retry", "later"], 1, "it is scheduled, not"),
    "nothing to remove": (["remove", "--tag", "nope"], 1, "no job to remove matches"),
    "wait for nobody": (["wait", "--state", "dead"], 1, "no job to wait for matches"),
    "wait that is no duration": (["wait", "taken", "--timeout", "x"], 2, "is not a duration"),
    "run nothing": (["run", "--"], 2, "nothing to run"),
    "run an array": (["run", "[{}]"], 2, "run takes one job"),
    "no worker": (["worker", "start", "--count", "0"], 2, "from 1 to 1000"),
    "too many workers": (["worker", "start", "--count", "1001"], 2, "from 1 to 1000"),
    "no slot": (["worker", "start", "--slots", "0"], 2, "from 1 to 10000"),
    "queue with a blank": (["worker", "start", "--queue", "a b"], 2, "queue: 'a b' is not"),
    "foreground and detached": (["worker", "start", "--foreground", "--detach"], 2, "not allowed"),
    "unknown worker": (["worker", "stop", "worker_1_1"], 1, "no such worker: 'worker_1_1'"),
    "dead letter that lives": (["dlq", "show", "taken"], 1, "it is pending, not dead"),
    "retry of what is not dead": (["dlq", "retry", "taken"], 1, "it is pending, not dead"),
    "retry of nobody": (["dlq", "retry"], 2, "give ids of jobs"),
    "empty dead letter queue": (["dlq", "retry", "--all"], 1, "no job to retry matches"),
    "nothing to purge": (["dlq", "purge"], 1, "no job to purge matches"),
    "purge of what lives": (["dlq", "purge", "taken"], 1, "it is pending, not dead"),
    "unknown setting": (["config", "get", "max-retires"], 2, "did you mean 'max_retries'?"),
    "setting of a wrong type": (["config", "set", "max_retries", "many"], 2, "an integer from 0"),
    "setting below its range": (["config", "set", "max-retries", "-1"], 2, "an integer from 0"),
    "setting above its range": (["config", "set", "backoff_jitter", "1.1"], 2, "from 0 to 1"),
    "setting that is not a number": (["config", "set", "backoff_base", "nan"], 2, "a number from"),
    "setting that cannot be none": (["config", "set", "poll", "none"], 2, "a duration from"),
    "setting without a value": (["config", "set", "poll"], 2, "required: VALUE"),
    "unknown help": (["help", "lst"], 2, "did you mean 'list'?"),
    "unknown nested help": (["help", "dlq", "x"], 2, "has no command 'x'"),
    "unknown store": (
        ["--store", "mysql://x", "list"],
        2,
        "'mysql://x' is not sqlite:///PATH or postgresql://HOST/DATABASE",
    ),
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("words", "code", "told"), WORDS.values(), ids=WORDS.keys())
def test_bad_words_are_refused(queuectl: OneShot, words: list[str], code: int, told: str) -> None:
    assert told in queuectl.refused(code, *words)


GOOD = b'{"command":"true"}\n'
BATCHES: dict[str, tuple[bytes, int, str]] = {
    "bad line": (GOOD + b"\n\n" + b'{"priority":1}', 2, "line 4: a job needs"),
    "half a line": (GOOD + b'{"command":"tr', 2, "line 2: invalid JSON"),
    "two values in a line": (GOOD[:-1] + GOOD, 2, "line 1: invalid JSON: something follows"),
    "broken UTF-8": (GOOD * 3 + b'{"command":"\xff"}\n', 2, "line 4: byte 0xff is not UTF-8"),
    "a number": (b"\n7\n", 2, "line 2: job: '7' is not a JSON object"),
    "a taken id": (GOOD + b'\n{"command":"x","id":"taken"}', 1, "line 3: a job with id 'taken'"),
    "an id twice": (b'{"command":"x","id":"a"}\n' * 2, 1, "line 2: a job with id 'a'"),
    "half an array": (b'[{"command":"a"},\n{"com', 2, "invalid JSON"),
    "a bad element": (b'[{"command":"a"},\n{"id":5}]', 2, "job 2: id: '5' is not"),
    "something behind an array": (b"[]\n{}", 2, "something follows the value"),
    "a long command": (GOOD + b'{"command":"%s"}' % (b"x" * 131_072), 2, "at most 131071 bytes"),
    "a folder": (GOOD + b'{"command":"x","cwd":"/no/such"}', 2, "line 2: cwd: '/no/such' is not"),
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("data", "code", "told"), BATCHES.values(), ids=BATCHES.keys())
def test_a_batch_is_all_or_nothing(queuectl: OneShot, data: bytes, code: int, told: str) -> None:
    assert told in queuectl.refused(code, "enqueue", "-", stdin=data)


@pytest.mark.usefixtures("unchanged")
def test_a_bad_shell_line_names_its_line(queuectl: OneShot) -> None:
    data = b"true\n\necho \0\n"
    assert queuectl.refused(2, "enqueue", "-", "--lines", stdin=data).startswith("line 3: command:")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("words", [[b"echo \xff"], [b"echo", b"\xff"], [b"--id", b"\xff", b"x"]])
def test_words_that_are_not_utf_8_are_refused(queuectl: OneShot, words: list[bytes]) -> None:
    assert "\\xff" in queuectl.refused(2, "enqueue", *words)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "words",
    [
        [b"list", b"--search", b"\xff"],
        [b"list", b"--queue", b"\xff"],
        [b"list", b"--state", b"\xff"],
        [b"config", b"get", b"\xff"],
        [b"config", b"set", b"poll", b"\xff"],
        [b"\xff"],
        [b"--\xff"],
        [b"enqueue", b"--file", b"/no/\xff"],
    ],
)
def test_names_that_are_not_utf_8_are_refused(queuectl: OneShot, words: list[bytes]) -> None:
    assert "\\xff" in queuectl.refused(2, *words)


@pytest.mark.usefixtures("unchanged")
def test_a_folder_that_utf_8_cannot_name_is_refused(queuectl: OneShot, tmp_path: Path) -> None:
    folder = bytes(tmp_path) + b"/\xff"
    Path(folder.decode(errors="surrogateescape")).mkdir()
    assert "not valid UTF-8" in queuectl.refused(2, "enqueue", "true", cwd=folder)
