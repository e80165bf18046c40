"""A command that needs no shell is run without one, and ends as it would in one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from queuectl.domain.transcript import text
from queuectl.executors.local import SHELL
from queuectl.executors.simple import shell_is_transparent
from tests.support.installation import Installation
from tests.support.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with things that cannot be run."""
    folder = tmp_path / "work here"
    folder.mkdir()
    (folder / "plain").write_text("echo it is no program\n")
    (folder / "script").write_text("echo a script without a first line: $0 $1\n")
    (folder / "broken").write_text("#!/no/such/interpreter\n")
    for name in ("script", "broken"):
        (folder / name).chmod(0o755)
    return folder


LINES = [
    "true",
    "false",
    "ls script",
    "ls nowhere",
    "no-such-program x",
    "./no-such-program",
    "./plain",
    "./script 'one word'",
    "./broken",
    ".",
    "./",
    "/",
    "env -u PATH ls script",
    "printenv PWD",
    "printenv QUEUECTL_JOB_ID",
]


def test_it_ends_as_in_a_shell_with_the_same_words(place: Installation, folder: Path) -> None:
    place.start(1, 4)
    for line in LINES:
        # A redirection of nothing makes it a matter for the shell.
        pair = [place.queue.enqueue(text, max_retries=0, cwd=str(folder), env={"PWD": "/tmp"})
            for text in (line, f"{line} 3<&-")]  # fmt: skip
        ends = place.queue.wait([job.id for job in pair], 60)
        codes = {(str(end.state), end.exit_code) for end in ends}
        assert len(codes) == 1, (line, codes)
        said = [text(place.queue.output(end)).replace(end.id.encode(), b"ID") for end in ends]
        assert said[0] == said[1], line


def test_the_program_is_the_leader_of_its_group_and_tells_its_signal(place: Installation) -> None:
    if not shell_is_transparent(SHELL) or shutil.which("sleep") is None:
        pytest.skip("needs a /bin/sh that is dash")
    place.start()
    job = place.queue.enqueue("sleep 300", max_retries=0)
    [pid] = until(lambda: place.of_job(job), "it runs")
    assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00300\x00"
    place.kill(pid)
    [ended] = place.queue.wait([job.id], 60)
    assert (ended.state, ended.signal, ended.error) == ("dead", 9, "signal 9")
