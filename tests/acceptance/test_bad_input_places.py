"""A home or store that cannot be used ends every command with one line and exit code 1."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.one_shot import OneShot

COMMANDS = [["list"], ["enqueue", "true"], ["status", "--format", "json"], ["config", "list"]]


@pytest.fixture(params=COMMANDS, ids=lambda words: words[0])
def words(request: pytest.FixtureRequest) -> list[str]:
    return list(request.param)


def test_a_home_that_is_a_file(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "home").write_text("precious")
    assert "it is not a folder" in OneShot(tmp_path / "home").refused(1, *words)
    assert (tmp_path / "home").read_text() == "precious"


def test_a_home_that_cannot_be_made(words: list[str]) -> None:
    assert "cannot use home '/proc/1/nope'" in OneShot(Path("/proc/1/nope")).refused(1, *words)


def test_a_home_below_a_file(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "file").write_text("")
    assert "Not a directory" in OneShot(tmp_path / "file" / "home").refused(1, *words)


def test_an_empty_home(tmp_path: Path, words: list[str]) -> None:
    queuectl = OneShot(tmp_path)
    queuectl.argv[-1] = ""
    assert "cannot use home ''" in queuectl.refused(1, *words)


def test_a_file_that_is_no_database(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "queue.db").write_text("precious" * 1000)
    assert "not a database" in OneShot(tmp_path).refused(1, *words)
    assert (tmp_path / "queue.db").read_text() == "precious" * 1000


def test_a_database_of_somebody_else(tmp_path: Path, words: list[str]) -> None:
    with closing(sqlite3.connect(tmp_path / "queue.db")) as connection:
        connection.execute("CREATE TABLE precious (id)")
        connection.commit()
    before = (tmp_path / "queue.db").read_bytes()
    OneShot(tmp_path).refused(1, *words)
    assert (tmp_path / "queue.db").read_bytes() == before


def test_a_database_that_is_damaged(tmp_path: Path, words: list[str]) -> None:
    queuectl = OneShot(tmp_path)
    queuectl("enqueue", "-", "--lines", stdin="echo something long enough\n" * 2000)
    database = tmp_path / "queue.db"
    shutil.copy(database, tmp_path / "whole")
    content = bytearray(database.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    database.write_bytes(content)
    assert "damaged" in queuectl.refused(1, *words)


def test_a_store_of_a_newer_version(tmp_path: Path, words: list[str]) -> None:
    queuectl = OneShot(tmp_path)
    queuectl("enqueue", "true")
    with closing(sqlite3.connect(tmp_path / "queue.db")) as connection:
        connection.execute("PRAGMA user_version = 9999")
        connection.commit()
    assert "install a newer queuectl" in queuectl.refused(1, *words)


def test_a_store_that_cannot_be_opened(tmp_path: Path, words: list[str]) -> None:
    queuectl = OneShot(tmp_path)
    queuectl.argv += ["--store", f"sqlite://{tmp_path}/no/such/folder/queue.db"]
    assert "store" in queuectl.refused(1, *words)
