"""What is made in a home belongs to its owner alone, whatever the umask."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuectl.commands import failures
from queuectl.domain.errors import HomeUnusable
from queuectl.home import locks, private, wake
from queuectl.home.folder import Home
from queuectl.shell.history import HistoryFile

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT
LOG_MORE_THAN_A_FILE_HOLDS = """
import logging, sys
from queuectl.processes.supervision import logbook
logbook.open_log(sys.argv[1], echo=False)
for _ in range(30):
    logging.getLogger().info("x" * 100_000 + "\\udcff")
"""


@pytest.fixture(autouse=True, params=[0o000, 0o022, 0o027, 0o077, 0o777], ids="{:03o}".format)
def _umask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path | str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_file_is_made_once_and_then_opened(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    for text in (b"one", b"two"):
        descriptor = private.open_file(path, APPEND)
        assert not os.get_inheritable(descriptor)
        os.write(descriptor, text)
        os.close(descriptor)
    assert mode(path) == 0o600
    assert Path(path).read_bytes() == b"onetwo"


def test_a_file_that_is_not_to_be_made_is_missed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        private.open_file(str(tmp_path / "file"), os.O_RDONLY)


def test_a_link_to_nothing_is_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(FileExistsError):
        private.open_file(str(tmp_path / "link"), APPEND)
    assert not (tmp_path / "nothing").exists()


def test_folders_are_made_down_to_the_last(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c"
    for _ in range(2):
        private.make_folders(str(path))
    assert [mode(one) for one in (path, path.parent, path.parent.parent)] == [0o700] * 3


def test_folders_below_a_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    os.close(private.open_file(str(file), APPEND))
    with pytest.raises(NotADirectoryError):
        private.make_folders(str(file / "below"))


def test_a_home_and_what_is_made_in_it(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "state" / "home"))
    os.close(wake.listen(home.wake))
    home.make_locks()
    for path in (home.supervisor_lock, home.worker_lock("w")):
        lock = locks.acquire(path)
        assert lock is not None
        os.close(lock)
    HistoryFile(home.history).append("list")
    assert "errors.log" in _report(home)
    for folder in (home.path, home.folder("run"), os.path.dirname(home.path)):
        assert mode(folder) == 0o700
    files = [home.wake, home.supervisor_lock, home.worker_lock("w"), home.history]
    assert {mode(path) for path in [*files, f"{home}/errors.log"]} == {0o600}


def _report(home: Home) -> str:
    reader, writer = os.pipe()
    with open(writer, "w") as err, open(reader) as told:
        failures.report_internal(ValueError("unexpected"), err, str(home))
        err.close()
        return told.read()


def test_a_history_that_was_shortened(tmp_path: Path) -> None:
    file = HistoryFile(str(tmp_path / "history"), most=1, slack=0)
    file.append("one")
    file.append("two")
    assert file.load() == ["two"]
    assert mode(tmp_path / "history") == 0o600


def test_a_home_whose_maker_came_no_further_than_its_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0)
    Home(str(tmp_path / "home"))
    assert mode(tmp_path / "home") == 0o700


def test_a_home_that_its_owner_made_read_only_stays_so(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o555)
    with contextlib.suppress(HomeUnusable):  # root may write there all the same
        Home(str(tmp_path / "home"))
    assert mode(tmp_path / "home") == 0o500


def test_a_log_and_the_older_ones_that_it_was_rotated_to(tmp_path: Path) -> None:
    log = tmp_path / "supervisor.log"
    subprocess.run([sys.executable, "-c", LOG_MORE_THAN_A_FILE_HOLDS, str(log)], check=True)
    assert {path.name for path in tmp_path.iterdir()} == {
        log.name,
        f"{log.name}.1",
        f"{log.name}.2",
    }
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    assert "\\udcff" in log.read_text(encoding="utf-8")
