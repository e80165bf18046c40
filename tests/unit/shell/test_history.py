"""What was typed is kept: at once, privately, and from all shells together."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queuectl.home.folder import Home
from queuectl.shell.history import HistoryFile, TypedLines, as_items
from tests.support.shell_harness import Harness

WRITER = """
import sys
from queuectl.shell.history import HistoryFile, TypedLines
typed = TypedLines(HistoryFile(sys.argv[1], int(sys.argv[3]), 10))
for number in range(100):
    typed.append_string(f"{sys.argv[2]} {number}")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_every_entry_comes_back_as_it_was_typed(path: Path, entries: list[str]) -> None:
    file = HistoryFile(str(path))
    file.clear()
    for entry in entries:
        file.append(entry)
    assert file.load() == entries


def test_the_file_is_private(path: Path) -> None:
    HistoryFile(str(path)).append("x")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    HistoryFile(str(path)).append("y")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_of_ours_keeps_its_mode(path: Path) -> None:
    path.symlink_to("/dev/null")
    before = os.stat("/dev/null").st_mode
    file = HistoryFile(str(path))
    file.append("x")
    assert (file.load(), os.stat("/dev/null").st_mode) == ([], before)


def test_looking_makes_no_file(path: Path) -> None:
    assert HistoryFile(str(path)).load() == []
    HistoryFile(str(path)).clear()
    assert not path.exists()


def test_an_unusable_file_costs_no_more_than_the_history(path: Path) -> None:
    path.mkdir()
    file = HistoryFile(str(path))
    file.append("x")
    file.clear()
    typed = TypedLines(file)
    typed.append_string("y")
    assert typed.entries() == ["y"]


@pytest.mark.parametrize("most", [10_000, 50], ids=["roomy", "shortened all the time"])
def test_shells_that_write_at_the_same_time_lose_nothing(path: Path, most: int) -> None:
    argv = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*argv, f"w{number}", str(most)]) for number in range(4)]
    while any(writer.poll() is None for writer in writers):
        HistoryFile(str(path), most, 10).load()
    assert [writer.wait() for writer in writers] == [0] * 4
    entries = HistoryFile(str(path)).load()
    for number in range(4):
        mine = [entry for entry in entries if entry.startswith(f"w{number} ")]
        assert mine == [f"w{number} {count}" for count in range(100 - len(mine), 100)]
    if most > 400:
        assert len(entries) == 400
    assert not (path.parent / "history.new").exists()


def test_a_line_survives_the_kill_of_its_shell(path: Path) -> None:
    script = WRITER + "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", script, str(path), "w", "1000"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(HistoryFile(str(path)).load()) == 100


def test_the_file_does_not_grow_without_end(path: Path) -> None:
    file = HistoryFile(str(path), most=10, slack=5)
    for number in range(15):
        file.append(str(number))
    assert file.load() == [str(number) for number in range(5, 15)]
    assert len(path.read_text().splitlines()) == 15
    file.append("15")
    assert file.load() == [str(number) for number in range(6, 16)]
    assert len(path.read_text().splitlines()) == 10


def test_a_line_that_begins_with_a_blank_is_not_written_down(path: Path) -> None:
    typed = TypedLines(HistoryFile(str(path)))
    typed.append_string(" secret")
    typed.append_string("open")
    assert typed.entries() == [" secret", "open"]
    assert HistoryFile(str(path)).load() == ["open"]


def test_an_entry_of_several_lines_is_shown_as_one() -> None:
    (item,) = as_items(['enqueue {\n"command":"x"\n}'])
    assert item.pr(1).strip() == '1  enqueue { "command":"x" }'


def test_history_shows_what_other_shells_typed(shell: Harness, home: Home) -> None:
    for line in ("list", "show j1", "list --all"):
        HistoryFile(home.history).append(line)
    shown = [" ".join(line.split()) for line in shell.run("history").out.splitlines()]
    assert shown == ["1 list", "2 show j1", "3 list --all"]
    assert shell.run("history --script list").out == "list\nlist --all\n"


def test_lines_of_scripts_are_not_history(shell: Harness, home: Home) -> None:
    shell.feed("list\nlist --nope\nhistory -c")
    assert not Path(home.history).exists()


def test_history_can_be_cleared_and_run_again(shell: Harness, home: Home) -> None:
    HistoryFile(home.history).append("enqueue a")
    assert shell.run("history --run 1").out == "Enqueued job 'j1' (pending)\n"
    assert shell.run("history --clear").status == 0
    assert shell.run("history").out == ""
