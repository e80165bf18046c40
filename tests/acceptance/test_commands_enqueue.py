"""`enqueue` takes a job as a person writes it, and stores exactly that."""

import json
from pathlib import Path

import pytest

from tests.support.one_shot import OneShot


@pytest.fixture
def queuectl(tmp_path: Path) -> OneShot:
    return OneShot(tmp_path / "home")


def test_a_json_object_is_a_job(queuectl: OneShot) -> None:
    done = queuectl("enqueue", '{"id":"hello","command":"echo Hello World","priority":10}')
    assert done.out == "Enqueued job 'hello' (pending)\n"
    (job,) = queuectl.jobs()
    assert (job["id"], job["command"], job["priority"]) == ("hello", "echo Hello World", 10)


def test_one_word_is_a_shell_line(queuectl: OneShot) -> None:
    queuectl("enqueue", "echo a | tr a b && [ -f x ]")
    queuectl("enqueue", "{ echo a; }")
    assert [job["command"] for job in queuectl.jobs()] == [
        "echo a | tr a b && [ -f x ]",
        "{ echo a; }",
    ]


@pytest.mark.parametrize("dashes", [[], ["--"]], ids=["without --", "with --"])
def test_several_words_reach_the_program_exactly_as_given(
    queuectl: OneShot, dashes: list[str]
) -> None:
    words = ["printf", "%s|", "a b", "", "--wait", "-x", "--", "--priority", "7", "$HOME", "ü\n"]
    queuectl("enqueue", *dashes, *words)
    (job,) = queuectl.jobs()
    assert (job["args"], job["command"], job["priority"]) == (words, None, 0)


def test_one_word_behind_dashes_is_a_program(queuectl: OneShot) -> None:
    queuectl("enqueue", "--", "{}")
    assert queuectl.jobs()[0]["args"] == ["{}"]


def test_json_that_lost_its_quotes_is_pointed_out(queuectl: OneShot) -> None:
    done = queuectl("enqueue", "id:hello", "command:echo Hello World", "priority:10")
    assert done.err.endswith("put it in single quotes\n")
    assert queuectl.jobs()[0]["args"][0] == "id:hello"
    assert queuectl("enqueue", "id", "-u").err == ""


def test_options_precede_the_command(queuectl: OneShot, tmp_path: Path) -> None:
    options = "--id a --queue slow --priority -5 --max-retries 7 --delay 1h --timeout 2m30s"
    options += f" --backoff list:1s,5s --tag x --tag y --env A=1 --env B=x=y --cwd {tmp_path}"
    queuectl("enqueue", *options.split(), "make")
    (job,) = queuectl.jobs()
    assert job["id"] == "a"
    assert job["state"] == "scheduled"
    assert (job["queue"], job["priority"], job["max_retries"]) == ("slow", -5, 7)
    assert (job["timeout"], job["backoff"]["delays"]) == (150, [1, 5])
    assert (job["tags"], job["env"]) == (["x", "y"], {"A": "1", "B": "x=y"})
    assert job["cwd"] == str(tmp_path)


def test_options_may_follow_json(queuectl: OneShot) -> None:
    queuectl("enqueue", '{"command":"true"}', "--priority", "5", "--id=a")
    (job,) = queuectl.jobs()
    assert (job["id"], job["priority"]) == ("a", 5)


def test_an_option_wins_over_the_field_of_a_job(queuectl: OneShot) -> None:
    wish = {"command": "true", "priority": 1, "run_at": "2999-01-01", "env": {"A": "1", "B": "2"}}
    queuectl("enqueue", "--priority", "5", "--delay", "0", "--env", "A=9", json.dumps(wish))
    (job,) = queuectl.jobs()
    assert (job["priority"], job["state"]) == (5, "pending")
    assert job["env"] == {"A": "9", "B": "2"}


def test_the_working_directory_is_the_enqueuers(queuectl: OneShot, tmp_path: Path) -> None:
    queuectl("enqueue", "true", cwd=tmp_path)
    assert queuectl.jobs()[0]["cwd"] == str(tmp_path)


def test_the_enqueuers_environment_is_kept_when_asked_for(queuectl: OneShot) -> None:
    queuectl("enqueue", "--env-from-here", "--env", "B=3", "true", env={"A": "1", "B": "2"})
    env = queuectl.jobs()[0]["env"]
    assert (env["A"], env["B"]) == ("1", "3")
    assert not [name for name in env if name.startswith("QUEUECTL_")]


def test_json_lines_are_jobs_in_their_order(queuectl: OneShot) -> None:
    lines = '{"command":"one"}\n\n   \n{"id":"two","args":["echo","\u2028"]}\r\n{"command":"three"}'
    assert queuectl("enqueue", "-", stdin=lines).out == "Enqueued 3 jobs\n"
    one, two, three = queuectl.jobs()
    assert (one["command"], two["id"], three["command"]) == ("one", "two", "three")
    assert two["args"] == ["echo", "\u2028"]


def test_a_json_array_is_a_batch(queuectl: OneShot) -> None:
    array = '\n[\n {"command": "one"},\n {"command": "two"}\n]\n'
    assert queuectl("enqueue", "-", stdin=array).out == "Enqueued 2 jobs\n"
    assert queuectl("enqueue", array).out == "Enqueued 2 jobs\n"
    assert queuectl("enqueue", "[]").out == "Enqueued 0 jobs\n"


def test_a_file_is_read_like_standard_input(queuectl: OneShot, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text('\ufeff{"command":"one"}\n')
    assert queuectl("enqueue", "--file", str(tmp_path / "jobs")).out == "Enqueued 1 job\n"
    assert queuectl.jobs()[0]["command"] == "one"


def test_each_line_is_a_shell_line_with_lines(queuectl: OneShot) -> None:
    queuectl("enqueue", "-", "--lines", "--queue", "q", stdin='echo "a"  \n\n{"x": 1}\r\n')
    assert [job["command"] for job in queuectl.jobs()] == ['echo "a"  ', '{"x": 1}']
    assert {job["queue"] for job in queuectl.jobs()} == {"q"}


def test_each_line_is_quoted_into_the_template(queuectl: OneShot) -> None:
    queuectl("enqueue", "--template", "convert {} out/{}", "-", stdin="a b\nit's; rm\n")
    assert [job["command"] for job in queuectl.jobs()] == [
        "convert 'a b' out/'a b'",
        """convert 'it'"'"'s; rm' out/'it'"'"'s; rm'""",
    ]


def test_an_empty_input_is_no_job_and_no_error(queuectl: OneShot) -> None:
    assert queuectl("enqueue", "-", stdin="\n").out == "Enqueued 0 jobs\n"


def test_ids_that_exist_can_be_skipped(queuectl: OneShot) -> None:
    queuectl("enqueue", "--id", "a", "true")
    skip = ["--on-conflict", "skip"]
    done = queuectl("enqueue", "-", *skip, stdin='{"id":"a","command":"x"}\n{"command":"y"}\n')
    assert done.out == "Enqueued 1 job, skipped 1 whose id exists\n"
    done = queuectl("enqueue", *skip, "--id", "a", "true")
    assert done.out == "Skipped: a job with id 'a' exists already\n"
    assert [job["id"] for job in queuectl.jobs()] == ["a", "j2"]


def test_new_jobs_are_printed_in_every_format(queuectl: OneShot) -> None:
    batch = '[{"id":"b","command":"x"},{"id":"a","command":"y"}]'
    assert queuectl("enqueue", "--format", "ids", batch).out == "b\na\n"
    (job,) = queuectl("enqueue", "--format", "json", "true").json
    assert (job["id"], job["state"]) == ("j3", "pending")
    assert "id,state,command" in queuectl("enqueue", "--format", "csv", "true").lines[0]
    assert json.loads(queuectl("enqueue", "--format", "jsonl", "true").out)["id"] == "j5"


def test_quiet_says_nothing(queuectl: OneShot) -> None:
    queuectl.argv.append("-q")
    assert queuectl("enqueue", "true").out == ""
