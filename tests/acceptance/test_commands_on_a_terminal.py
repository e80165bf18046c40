"""What a person at a terminal sees: fitted tables, colour, safe output, progress and questions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.one_shot import OneShot
from tests.support.pseudo_terminal import on_a_terminal

LONG = "echo " + " ".join(f"word{number}" for number in range(40))


@pytest.fixture
def queuectl(tmp_path: Path) -> Iterator[OneShot]:
    queuectl = OneShot(tmp_path / "home")
    yield queuectl
    queuectl("worker", "stop", "--now")


@pytest.mark.parametrize("columns", [60, 80, 132])
def test_a_table_fits_the_terminal_and_wraps_long_commands(queuectl: OneShot, columns: int) -> None:
    queuectl("enqueue", "--id", "long", LONG)
    queuectl("enqueue", "--id", "wide", "echo " + "漢字" * 60)
    with on_a_terminal([*queuectl.argv, "list"], columns=columns) as terminal:
        assert terminal.end() == 0
    lines = terminal.text.splitlines()
    assert max(map(_cells, lines)) <= columns
    commands = [line[len("long  P   ") :].split("0/3")[0].strip() for line in lines]
    assert LONG in " ".join(commands)
    assert "漢字" * 60 in "".join(commands)


def _cells(line: str) -> int:
    return sum(2 if "\u4e00" <= character <= "\u9fff" else 1 for character in line)


def test_an_id_is_never_cut(queuectl: OneShot) -> None:
    job_id = "i" * 200
    queuectl("enqueue", "--id", job_id, LONG)
    with on_a_terminal([*queuectl.argv, "list"], columns=60) as terminal:
        assert terminal.end() == 0
    assert any(job_id in line for line in terminal.text.splitlines())
    assert "T        0/3" in terminal.text


def test_colour_is_there_unless_it_is_not_wanted(queuectl: OneShot) -> None:
    queuectl("enqueue", "true")
    plain: list[tuple[list[str], dict[str, str]]] = [
        ([*queuectl.argv, "--no-color"], {}),
        (queuectl.argv, {"NO_COLOR": "1"}),
        (queuectl.argv, {"TERM": "dumb"}),
    ]
    with on_a_terminal([*queuectl.argv, "list"]) as terminal:
        assert terminal.end() == 0
        assert "\x1b[33mP\x1b[0m" in terminal.raw
    for argv, env in plain:
        with on_a_terminal([*argv, "list"], env=env) as terminal:
            assert terminal.end() == 0
            assert "\x1b" not in terminal.raw


def test_output_is_made_safe_unless_raw(queuectl: OneShot) -> None:
    queuectl("worker", "start")
    queuectl("enqueue", "--wait", "--id", "a", r"printf 'a\tb\033[31m\377\nend'")
    with on_a_terminal([*queuectl.argv, "logs", "a"]) as terminal:
        assert terminal.end() == 0
        assert terminal.raw == "a\tb\\e[31m\\xff\nend\n"
    with on_a_terminal([*queuectl.argv, "logs", "a", "--raw"]) as terminal:
        assert terminal.end() == 0
        assert "\x1b[31m" in terminal.raw


def test_worker_start_shows_progress_until_nothing_is_pending(queuectl: OneShot) -> None:
    queuectl("enqueue", '[{"id":"a","command":"true"},{"id":"b","command":"sleep 0.3"}]')
    with on_a_terminal([*queuectl.argv, "worker", "start"]) as terminal:
        assert terminal.end() == 0
    lines = terminal.text.splitlines()
    assert lines[0] == "Starting 1 worker processes..."
    assert lines[1].startswith("✓ Started worker worker_")
    assert lines[2:4] == ["[Worker 0] Processing job: a", "[Worker 0] Processing job: b"]
    assert "completed      2" in lines
    assert lines[-1] == "Workers are now monitoring for new jobs..."
    assert queuectl("worker", "status", "--format", "json").json["active"] == 1


def test_ctrl_c_leaves_the_view_and_not_the_workers(queuectl: OneShot) -> None:
    queuectl("enqueue", '[{"id":"a","command":"sleep 60"},{"id":"b","command":"true"}]')
    with on_a_terminal([*queuectl.argv, "worker", "start"]) as terminal:
        terminal.until("Processing job: a")
        terminal.interrupt()
        assert terminal.end() == 0
    assert "The workers go on in the background" in terminal.text
    assert queuectl("worker", "status", "--format", "json").json["active"] == 1


def test_worker_start_asks_where_the_next_job_is_far_away(queuectl: OneShot) -> None:
    queuectl("enqueue", "--id", "later", "--delay", "8110", "true")
    queuectl("enqueue", "--delay", "3h", "true")
    with on_a_terminal([*queuectl.argv, "worker", "start"]) as terminal:
        question = "Enter choice (1-3):"
        terminal.until(question)
        found = "Found 2 scheduled jobs with next execution in 2 hours 15 minutes"
        assert found in terminal.text
        terminal.type("7\n")
        terminal.until(question, 2)
        terminal.type("3\n")
        terminal.until(question, 3)
        assert "later" in terminal.text
        terminal.type("2\n")
        assert terminal.end() == 0
    assert "All workers stopped gracefully" in terminal.text
    assert queuectl("worker", "stop").out == "No workers are running\n"


def test_worker_start_can_keep_the_workers_for_a_job_that_is_far_away(queuectl: OneShot) -> None:
    queuectl("enqueue", "--delay", "1d", "true")
    with on_a_terminal([*queuectl.argv, "worker", "start"]) as terminal:
        terminal.until("Enter choice (1-3):")
        terminal.type("1\n")
        assert terminal.end() == 0
    assert queuectl("worker", "status", "--format", "json").json["active"] == 1


def test_detached_workers_ask_nothing_and_show_nothing(queuectl: OneShot) -> None:
    queuectl("enqueue", "--delay", "1d", "true")
    with on_a_terminal([*queuectl.argv, "worker", "start", "--detach"]) as terminal:
        assert terminal.end() == 0
    assert len(terminal.text.splitlines()) == 2
