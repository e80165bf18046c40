"""Secret values reach the command and the Python API, and nothing that people or logs show."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.one_shot import OneShot

SECRET = "hunter2-of-everybody"
ENV = {
    "DB_PASSWORD": SECRET,
    "DATABASE_URL": f"postgresql://user:{SECRET}@host/db",
    "COLOR": "blue",
}
MASKED = {"DB_PASSWORD": "***", "DATABASE_URL": "postgresql://user:***@host/db", "COLOR": "blue"}
WISH = json.dumps({"id": "job", "command": "exit 3", "max_retries": 0, "env": ENV})
TELL = 'printf "%s\\n" "$DB_PASSWORD" "$DATABASE_URL" "$COLOR"'


@pytest.fixture
def queuectl(place: Installation) -> OneShot:
    return OneShot(place.path)


def _env(records: Any) -> dict[str, str]:
    record = records[0] if isinstance(records, list) else records
    return dict(record["env"])


def _bury(place: Installation, queuectl: OneShot) -> None:
    queuectl("enqueue", WISH)
    place.start(drain=True)
    queuectl.attempt("wait", "job")


def test_what_lists_a_job_in_any_format_masks_its_secrets(queuectl: OneShot) -> None:
    for number, format in enumerate(("json", "jsonl", "csv")):
        wish = WISH.replace('"job"', f'"job{number}"')
        for words in (["enqueue", wish], ["list"], ["show", f"job{number}"]):
            done = queuectl(*words, "--format", format)
            assert SECRET not in done.out + done.err, words
            assert "***" in done.out
    assert _env(queuectl("list", "--format", "json").json) == MASKED
    assert _env(queuectl("show", "job0", "--format", "json").json) == MASKED


def test_a_batch_that_is_printed_masks_its_secrets(queuectl: OneShot) -> None:
    done = queuectl("enqueue", "-", "--format", "json", stdin=WISH)
    assert _env(done.json) == MASKED


def test_show_as_a_table_names_the_variables_and_masks_what_is_secret(queuectl: OneShot) -> None:
    queuectl("enqueue", WISH)
    rows = [line.split() for line in queuectl("show", "job").lines if line.startswith("Env ")]
    assert {row[1]: row[2] for row in rows} == MASKED


def test_a_dead_job_masks_its_secrets(place: Installation, queuectl: OneShot) -> None:
    _bury(place, queuectl)
    assert SECRET not in queuectl("dlq", "show", "job").out
    assert _env(queuectl("dlq", "show", "job", "--format", "json").json) == MASKED
    assert _env(queuectl("dlq", "list", "--format", "json").json) == MASKED


def test_the_command_and_the_python_api_get_the_true_values(
    place: Installation, queuectl: OneShot
) -> None:
    queuectl("enqueue", json.dumps({"id": "job", "command": TELL, "env": ENV}))
    place.start(drain=True)
    assert queuectl("logs", "job").lines == list(ENV.values())
    assert place.queue.get("job").env == ENV
    assert place.queue.get("job").as_record()["env"] == ENV


def test_no_file_but_the_store_has_a_secret(place: Installation, queuectl: OneShot) -> None:
    _bury(place, queuectl)
    queuectl("retry", "job")
    place.start(drain=True)
    place.stop()
    # Not read from here: closing a file of the store would drop the locks of our connection.
    grep = ["grep", "-rlF", SECRET, str(place.path)]
    found = subprocess.run(grep, capture_output=True, text=True, check=True).stdout.split()
    assert {Path(path).name for path in found} <= {"queue.db", "queue.db-wal"}


def test_the_names_are_a_setting_that_holds_at_once(queuectl: OneShot) -> None:
    queuectl("enqueue", WISH)
    done = queuectl("config", "set", "secret-names", "colo?, x*")
    assert done.out == "secret_names = colo?, x*\n"
    assert _env(queuectl("show", "job", "--format", "json").json) == {
        "DB_PASSWORD": SECRET,
        "DATABASE_URL": MASKED["DATABASE_URL"],
        "COLOR": "***",
    }
    assert queuectl("config", "get", "secret_names").out == "colo?, x*\n"
    setting = queuectl("config", "get", "secret_names", "--format", "json").json
    assert setting["value"] == ["colo?", "x*"]
    assert "*password*" in setting["default"]
    assert queuectl("config", "set", "secret_names", "none").out == "secret_names = none\n"
    assert _env(queuectl("list", "--format", "json").json) == ENV
    queuectl("config", "unset", "secret_names")
    assert _env(queuectl("list", "--format", "json").json) == MASKED


def test_patterns_that_can_match_nothing_are_refused(queuectl: OneShot) -> None:
    message = queuectl.refused(2, "config", "set", "secret_names", "*token* *secret*")
    assert "secret_names: '*token* *secret*' is not" in message
    assert queuectl("config", "get", "secret_names", "--format", "json").json["source"] == "default"


@pytest.mark.parametrize("words", [["list"], ["worker", "start"], ["enqueue", "true"]])
def test_an_error_about_a_store_names_it_without_its_password(
    tmp_path: Path, words: list[str]
) -> None:
    url = f"mysql://user:{SECRET}@host/db"
    by_option = OneShot(tmp_path / "home")
    by_option.argv += ["--store", url]
    by_variable = OneShot(tmp_path / "home").attempt(*words, env={"QUEUECTL_STORE": url})
    for done in (by_option.attempt(*words), by_variable):
        assert done.code == 2
        assert "mysql://user:***@host/db" in done.err
        assert SECRET not in done.out + done.err
    assert not any(SECRET.encode() in path.read_bytes() for path in (tmp_path / "home").iterdir())
    assert os.listdir(tmp_path / "home") == []
