"""All that is kept belongs to its owner alone, whatever the umask and whoever else is there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.disguise import IS_ROOT, NOBODY, STRANGER, disguised, folder_of
from tests.support.installation import COMMAND
from tests.support.pseudo_terminal import on_a_terminal
from tests.support.waiting import until

USER = NOBODY if IS_ROOT else os.geteuid()
LONG = "for i in 1 2 3 4 5 6 7 8 9; do head -c 40000 /dev/zero | tr '\\0' x; echo; done"


class Somebody:
    """An ordinary user with a home and a umask; `home` is where the queue is to be."""

    def __init__(self, folder: Path, umask: int = 0o022) -> None:
        self.folder, self.home, self.umask = folder, folder / "state" / "queue", umask

    def argv(self, *words: str) -> list[str]:
        return disguised([*COMMAND, "--home", str(self.home), *words], self.umask, USER)

    def attempt(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words),
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )

    def ctl(self, *words: str, stdin: str = "") -> str:
        done = self.attempt(*words, stdin=stdin)
        assert done.returncode == 0, (words, done)
        return done.stdout

    def refused(self, *words: str) -> str:
        done = self.attempt(*words)
        assert done.returncode == 1, done
        assert done.stderr.count("\n") == 1, done
        return done.stderr

    def state(self, job_id: str) -> str:
        return str(json.loads(self.ctl("show", job_id, "--format", "json"))["state"])

    def found(self) -> dict[str, str]:
        """Everything in the home with its kind, and mode."""
        return {
            str(path.relative_to(self.home)): stat.filemode(path.lstat().st_mode)
            for path in [self.home, *self.home.rglob("*")]
        }


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_of(USER) as folder:
        yield folder


@pytest.fixture(params=[0o000, 0o027, 0o077, 0o777], ids="{:03o}".format)
def somebody(request: pytest.FixtureRequest, folder: Path) -> Iterator[Somebody]:
    somebody = Somebody(folder, request.param)
    yield somebody
    somebody.ctl("worker", "stop", "--now")


def _type_a_line(somebody: Somebody) -> None:
    with on_a_terminal(somebody.argv()) as shell:
        shell.until("queuectl>")
        shell.type("status\r")
        shell.until("pending", 2)
        shell.type("exit\r")
        assert shell.end() == 0


def test_whatever_the_umask_all_in_the_home_is_its_owners(somebody: Somebody) -> None:
    somebody.ctl("config", "set", "output_limit", "100 KiB")
    somebody.ctl("worker", "start", "--count", "2")
    somebody.ctl("enqueue", "--id", "long", LONG)
    somebody.ctl("enqueue", "--id", "alive", f"{LONG}; exec sleep 1000")
    _type_a_line(somebody)
    until(lambda: somebody.state("long") == "completed", "the long output recorded")
    until(lambda: len([name for name in somebody.found() if name.startswith("output/0/2")]) > 1)
    found = somebody.found()
    expected = {".", "queue.db", "queue.db-wal", "queue.db-shm", "wake", "supervisor.lock"}
    expected |= {"supervisor.log", "run", "output", "output/0", "output/0/1.1", "history"}
    assert expected <= set(found)
    assert len([name for name in found if name.startswith("run/worker_")]) == 2
    modes = {"d": "drwx------", "p": "prw-------", "-": "-rw-------"}
    assert {name: mode for name, mode in found.items() if mode != modes[mode[0]]} == {}
    assert stat.S_IMODE(somebody.home.parent.stat().st_mode) == 0o700


def test_the_umask_of_commands_is_that_of_whoever_started_the_workers(folder: Path) -> None:
    somebody = Somebody(folder, 0o027)
    somebody.ctl("enqueue", "umask; : > made")
    somebody.ctl("worker", "start", "--drain")
    assert somebody.ctl("logs", "j1") == "0027\n"
    assert stat.S_IMODE((folder / "made").stat().st_mode) == 0o640


needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root to own a folder as somebody else")


@needs_root
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o777])
def test_a_home_of_somebody_else_is_refused_and_left_alone(folder: Path, mode: int) -> None:
    somebody = Somebody(folder)
    somebody.home.mkdir(parents=True)
    os.chown(somebody.home, STRANGER, STRANGER)
    somebody.home.chmod(mode)
    for words in (["enqueue", "true"], ["list"], ["worker", "start"]):
        assert "it belongs to another user" in somebody.refused(*words)
    assert list(somebody.home.iterdir()) == []
    assert stat.S_IMODE(somebody.home.stat().st_mode) == mode


@needs_root
def test_not_even_root_uses_the_home_of_somebody_else(folder: Path) -> None:
    somebody = Somebody(folder)
    somebody.ctl("enqueue", "true")
    words = [*COMMAND, "--home", str(somebody.home), "enqueue", "true"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "it belongs to another user" in done.stderr
    assert len(somebody.ctl("list", "--format", "ids").split()) == 1


@needs_root
def test_a_home_below_a_folder_that_may_not_be_written(folder: Path) -> None:
    somebody = Somebody(folder)
    os.chown(folder, STRANGER, STRANGER)
    assert "Permission denied" in somebody.refused("enqueue", "true")
    somebody.home.mkdir(parents=True)
    os.chown(somebody.home, USER, -1)
    somebody.ctl("enqueue", "true")  # only what is above is somebody else's


@needs_root
def test_a_home_below_a_folder_that_may_not_be_entered(folder: Path) -> None:
    somebody = Somebody(folder)
    somebody.ctl("enqueue", "true")
    os.chown(somebody.home.parent, STRANGER, STRANGER)
    assert "Permission denied" in somebody.refused("list")


@pytest.mark.parametrize("mode", [0o777, 0o1777], ids="{:o}".format)
def test_a_home_in_a_folder_that_anybody_may_write_is_private_itself(
    folder: Path, mode: int
) -> None:
    somebody = Somebody(folder, 0o000)
    somebody.home.parent.mkdir()
    os.chown(somebody.home.parent, USER, -1)
    somebody.home.parent.chmod(mode)
    somebody.ctl("enqueue", "true")
    assert stat.S_IMODE(somebody.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(somebody.home.parent.stat().st_mode) == mode


def test_a_link_and_the_folder_that_it_leads_to_are_one_home(folder: Path) -> None:
    true, link = Somebody(folder), Somebody(folder)
    true.ctl("enqueue", "--id", "first", "true")
    link.home = folder / "link"
    link.home.symlink_to(true.home)
    true.ctl("worker", "start")
    try:
        link.ctl("worker", "start")  # joins the supervisor that runs
        workers = json.loads(true.ctl("worker", "status", "--format", "json"))
        assert workers["active"] == 2
        link.ctl("enqueue", "--id", "second", 'echo "$QUEUECTL_HOME"')
        true.ctl("wait", "first", "second")
        assert true.ctl("logs", "second") == f"{true.home}\n"
    finally:
        link.ctl("worker", "stop", "--now")
    assert json.loads(true.ctl("worker", "status", "--format", "json"))["active"] == 0
    assert link.home.is_symlink()


@needs_root
def test_a_link_to_a_folder_of_somebody_else_is_no_home(folder: Path) -> None:
    somebody = Somebody(folder)
    (folder / "theirs").mkdir()
    os.chown(folder / "theirs", STRANGER, STRANGER)
    somebody.home.parent.mkdir()
    somebody.home.symlink_to(folder / "theirs")
    assert "it belongs to another user" in somebody.refused("enqueue", "true")
    assert list((folder / "theirs").iterdir()) == []


def test_a_link_to_nothing_is_no_home(folder: Path) -> None:
    somebody = Somebody(folder)
    somebody.home.parent.mkdir()
    somebody.home.symlink_to(folder / "not mounted")
    assert "it is a link to nothing" in somebody.refused("enqueue", "true")
    assert not (folder / "not mounted").exists()


def test_a_home_that_was_opened_to_others_is_closed_again(folder: Path) -> None:
    somebody = Somebody(folder)
    somebody.ctl("enqueue", "true")
    somebody.home.chmod(0o777)
    somebody.ctl("list")
    assert stat.S_IMODE(somebody.home.stat().st_mode) == 0o700
