"""A one-shot command pays only for what it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from queuectl import JobQueue

# What a one-shot `enqueue` can do without, each worth several milliseconds at least.
TOO_DEAR = {"apscheduler", "cmd2", "glob", "multiprocessing", "tabulate", "urllib"}
TOO_DEAR_FOR_TABLES = {"importlib.metadata", "wcwidth"}

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
    loaded = _modules_loaded(tmp_path, "enqueue", *words)
    assert not {name.partition(".")[0] for name in loaded} & TOO_DEAR


@pytest.mark.parametrize("command", ["list", "status"])
def test_a_table_of_ascii_loads_little_more_than_what_draws_it(
    tmp_path: Path, command: str
) -> None:
    with JobQueue(str(tmp_path)) as queue:
        queue.enqueue("true")
    loaded = _modules_loaded(tmp_path, command)
    assert "tabulate" in loaded
    assert not loaded & TOO_DEAR_FOR_TABLES


def _modules_loaded(home: Path, *words: str) -> set[str]:
    JobQueue(str(home)).close()  # to make a store takes more
    done = subprocess.run(
        [sys.executable, "-c", REPORT_MODULES, "--home", str(home), *words],
        capture_output=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "queuectl" in loaded
    return loaded
