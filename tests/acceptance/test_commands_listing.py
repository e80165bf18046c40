"""`list`, `show` and `dlq list`: for a person a table, for a program every job in full."""

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.one_shot import OneShot

BATCH = [
    {"id": "first", "command": "echo 'Hello World'", "tags": ["x", "y"], "priority": 5},
    {"id": "second", "args": ["printf", "a b", "\x1b[31mred"], "queue": "slow"},
    {"id": "third", "command": "make all", "delay": 3600, "tags": ["x"]},
]
LEGEND = (
    "State Legend: P=Pending, R=Running, C=Completed, F=Failed, D=Dead, S=Scheduled, "
    "B=Blocked, X=Cancelled"
)


@pytest.fixture(scope="module")
def queuectl(tmp_path_factory: pytest.TempPathFactory) -> OneShot:
    queuectl = OneShot(tmp_path_factory.mktemp("listing") / "home")
    queuectl("enqueue", json.dumps(BATCH))
    return queuectl


def _ids(queuectl: OneShot, *options: str) -> list[str]:
    return queuectl("list", "--format", "ids", *options).lines


def test_the_table_has_the_newest_job_first(queuectl: OneShot) -> None:
    header, _, third, second, first, legend, shown = queuectl("list").lines
    assert header.split() == ["ID", "St", "Command", "T", "Created"]
    assert re.fullmatch(r"first +P +echo 'Hello World' +0/3 +\d\d-\d\d", first)
    assert re.fullmatch(r"second +P +printf 'a b' '\\e\[31mred' +0/3 +\d\d-\d\d", second)
    assert re.fullmatch(r"third +S +make all +0/3 +\d\d-\d\d", third)
    assert (legend, shown) == (LEGEND, "Showing all jobs")


def test_the_filter_is_explained(queuectl: OneShot) -> None:
    pending = queuectl("list", "--state", "pending").lines
    assert pending[-1] == "Showing pending jobs: Jobs ready for worker processing"
    none = queuectl("list", "--state", "dead").lines
    assert none == [
        "No jobs found",
        LEGEND,
        "Showing dead jobs: Jobs in the dead letter queue",
    ]


def test_filters_hold_all_at_once(queuectl: OneShot) -> None:
    assert _ids(queuectl, "--tag", "x") == ["third", "first"]
    assert _ids(queuectl, "--tag", "x", "--tag", "y") == ["first"]
    assert _ids(queuectl, "--tag", "x", "--state", "S") == ["third"]
    assert _ids(queuectl, "--queue", "slow") == ["second"]
    assert _ids(queuectl, "--state", "pending,scheduled", "--search", "HELLO") == ["first"]
    assert _ids(queuectl, "--since", "1h") == ["third", "second", "first"]
    assert _ids(queuectl, "--since", "now+1m") == []


def test_the_order_and_the_page_can_be_chosen(queuectl: OneShot) -> None:
    assert _ids(queuectl, "--sort", "id") == ["first", "second", "third"]
    assert _ids(queuectl, "--sort", "-priority")[0] == "first"
    assert _ids(queuectl, "--sort=-run_at")[0] == "third"
    assert _ids(queuectl, "--sort", "id", "--limit", "1", "--offset", "1") == ["second"]


def test_every_format_holds_every_job(queuectl: OneShot) -> None:
    array = queuectl("list", "--format", "json").json
    lines = [json.loads(line) for line in queuectl("list", "--format", "jsonl").lines]
    rows = list(csv.DictReader(io.StringIO(queuectl("list", "--format", "csv").out)))
    assert array == lines
    assert [row["id"] for row in rows] == [job["id"] for job in array] == _ids(queuectl)
    assert json.loads(rows[1]["args"]) == BATCH[1]["args"]


def test_json_has_the_names_and_types_of_the_schema(queuectl: OneShot) -> None:
    first = queuectl("list", "--format", "json").json[-1]
    given = {name: first[name] for name in BATCH[0]}
    assert given == BATCH[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", first["created_at"])
    assert (first["state"], first["attempts"], first["exit_code"]) == ("pending", 0, None)


def test_json_holds_no_raw_escape(queuectl: OneShot) -> None:
    for format in ("json", "jsonl"):
        assert "\x1b" not in queuectl("list", "--format", format).out


def test_a_table_shows_the_first_50_and_says_how_many_there_are(tmp_path: Path) -> None:
    queuectl = OneShot(tmp_path)
    queuectl("enqueue", "-", "--lines", stdin="true\n" * 60)
    lines = queuectl("list").lines
    assert len(lines) == 2 + 50 + 3
    assert lines[-3] == "Showing the first 50 of 60 jobs (--all or --limit N for more)"
    assert len(queuectl("list", "--all").lines) == 2 + 60 + 2
    assert len(queuectl("list", "--format", "ids").lines) == 60
    assert "Showing 51 to 60 of 60 jobs" in queuectl("list", "--offset", "50").out


def test_nothing_is_wrapped_where_there_is_no_terminal(tmp_path: Path) -> None:
    queuectl = OneShot(tmp_path)
    queuectl("enqueue", "echo " + "x" * 5000)
    assert "x" * 5000 in queuectl("list", env={"COLUMNS": "80"}).out


def test_show_tells_everything(queuectl: OneShot) -> None:
    lines = queuectl("show", "second").lines
    assert lines[0].split() == ["ID", "second"]
    assert lines[2].split(maxsplit=1) == ["Program", r"printf 'a b' '\e[31mred'"]
    assert "Queue     slow" in lines
    assert lines[lines.index("History") + 3].split()[-1] == "pending"


def test_show_as_json_has_attempts_and_history(queuectl: OneShot) -> None:
    job = queuectl("show", "third", "--format", "json").json
    assert (job["id"], job["runs"]) == ("third", [])
    (change,) = job["history"]
    assert (change["from"], change["to"]) == (None, "scheduled")


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    queuectl = OneShot(tmp_path)
    queuectl("enqueue", "-", "--lines", stdin="echo some words\n" * 20_000)
    with subprocess.Popen(
        [*queuectl.argv, "list", "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"[\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_full_disk_under_the_output_is_one_line(queuectl: OneShot) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*queuectl.argv, "list"], stdout=full, stderr=subprocess.PIPE, check=False, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "queuectl: error: cannot write output: No space left on device\n"


def test_a_terminal_without_utf_8_is_no_error(tmp_path: Path) -> None:
    queuectl = OneShot(tmp_path)
    queuectl("enqueue", "--", "echo", "grün ✓")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert r"echo 'gr\xfcn \u2713'" in queuectl("list", env=plain).out
    assert queuectl("list", "--format", "json", env=plain).json[0]["args"][1] == "grün ✓"


def test_an_error_of_ours_is_one_line_with_the_details_in_the_home(queuectl: OneShot) -> None:
    script = (
        "import sys, queuectl.cli, queuectl.queue\n"
        "queuectl.queue.JobQueue.stats = lambda self: 1 / 0\n"
        "sys.exit(queuectl.cli.main(sys.argv[1:]))"
    )
    argv = [queuectl.argv[0], "-c", script, *queuectl.argv[4:], "status"]
    done = subprocess.run(argv, capture_output=True, check=False, text=True)
    log = queuectl.home / "errors.log"
    told = f"internal error: ZeroDivisionError: division by zero (details: {log})"
    assert (done.returncode, done.stderr) == (1, f"queuectl: error: {told}\n")
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
