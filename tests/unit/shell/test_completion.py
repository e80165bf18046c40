"""The Tab key offers what fits the place in the line."""

from pathlib import Path

import pytest

from queuectl.queue import JobQueue
from queuectl.shell.completion import MOST_JOBS
from tests.support.shell_harness import Harness


def offers(shell: Harness, line: str) -> list[str]:
    """What Tab offers at the end of a line."""
    begin = max(line.rfind(" "), line.rfind("|"), line.rfind(">")) + 1
    found = shell.shell.complete(line[begin:], line, begin, len(line))
    assert not found.error, found.error
    return list(found.to_strings())


def test_commands_aliases_and_macros(shell: Harness) -> None:
    shell.run("alias create listless list")
    assert offers(shell, "lis") == ["list", "listless"]
    assert "enqueue" in offers(shell, "")
    assert "_eof" not in offers(shell, "")


def test_options_nested_commands_and_choices(shell: Harness) -> None:
    assert offers(shell, "list --sta") == ["--state"]
    assert offers(shell, "worker sta") == ["start", "status"]
    assert offers(shell, "list --format j") == ["json", "jsonl"]
    assert "--count" in offers(shell, "worker start --c")


def test_states_and_settings(shell: Harness) -> None:
    assert offers(shell, "list --state p") == ["pending", "processing"]
    assert offers(shell, "config get max") == ["max_retries"]


def test_job_ids_the_newest_first(shell: Harness, queue: JobQueue) -> None:
    queue.enqueue_many([{"command": "true", "id": f"job-{number}"} for number in range(3)])
    assert offers(shell, "show jo") == ["job-2", "job-1", "job-0"]
    assert offers(shell, "cancel job-1 jo") == ["job-2", "job-0"]
    assert offers(shell, "logs nope") == []


def test_no_more_job_ids_than_one_can_look_through(shell: Harness, queue: JobQueue) -> None:
    queue.enqueue_many([{"command": "true"}] * (MOST_JOBS + 50))
    assert len(offers(shell, "show ")) == MOST_JOBS


def test_only_dead_jobs_for_the_dead_letter_queue(shell: Harness, queue: JobQueue) -> None:
    queue.enqueue("true")
    assert offers(shell, "dlq show ") == []


def test_queues_and_tags(shell: Harness, queue: JobQueue) -> None:
    queue.enqueue("true", queue="mail", tags=["red", "blue"])
    assert offers(shell, "list --queue ") == ["default", "mail"]
    assert offers(shell, "enqueue --tag r") == ["red"]


def test_files_for_scripts_options_and_redirections(
    shell: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jobs.txt").touch()
    monkeypatch.chdir(tmp_path)
    for line in ("run_script jo", "enqueue --file jo", "list > jo", "list >> jo", "!cat jo"):
        assert offers(shell, line) == ["jobs.txt"]


def test_programs_for_a_job_and_behind_a_pipe(shell: Harness) -> None:
    for line in ("enqueue ech", "enqueue -- ech", "run -- ech", "list | ech", "shell ech"):
        assert "echo" in offers(shell, line)
    assert "!echo" in offers(shell, "!ech")


def test_nothing_disturbs_inside_of_json(shell: Harness) -> None:
    assert offers(shell, 'enqueue {"comm') == []


def test_a_broken_store_is_said_and_breaks_nothing(shell: Harness, queue: JobQueue) -> None:
    queue.close()
    Path(queue.home.database).write_text("no database at all" * 100)
    found = shell.shell.complete("", "show ", 5, 5)
    assert found.error
    assert "Traceback" not in found.error
    assert offers(shell, "list --state p") == ["pending", "processing"]


def test_a_tilde_is_expanded_where_a_file_is_meant(
    shell: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "script").write_text("enqueue --file ~/jobs")
    (tmp_path / "jobs").write_text('{"command":"x"}\n')
    assert shell.run("run_script ~/script").out == "Enqueued 1 job\n"
    shell.run("list --format ids > ~/out")
    assert (tmp_path / "out").read_text() == "j1\n"
