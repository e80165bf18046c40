"""A one-shot command pays only for what it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from queuectl import JobQueue

# What a one-shot `enqueue` can do without, each worth several milliseconds at least.
TOO_DEAR = {"apscheduler", "cmd2", "glob", "multiprocessing", "tabulate", "urllib"}

REPORT_MODULES = """
import sys
import queuectl.cli
try:
    code = queuectl.cli.main(sys.argv[1:])
except SystemExit as exit:
    code = exit.code
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [["--", "true"], ["true"], ['{"command": "true", "delay": 5}']],
    ids=["program", "shell line", "JSON"],
)
def test_one_shot_enqueue_loads_nothing_that_it_does_not_need(
    tmp_path: Path, words: list[str]
) -> None:
    JobQueue(str(tmp_path)).close()  # to make a store takes more
    done = subprocess.run(
        [sys.executable, "-c", REPORT_MODULES, "--home", str(tmp_path), "enqueue", *words],
        capture_output=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "queuectl" in loaded
    assert not loaded & TOO_DEAR
