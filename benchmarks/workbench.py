"""What all benchmarks of a run share: sizes, a folder on the measured disk, a filled store."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path

from benchmarks.compiling import compiled
from benchmarks.filling import crowd, fill
from benchmarks.installation import Installation
from benchmarks.scale import Scale

_SCRIPT = Path(sys.executable).with_name("queuectl")


class Workbench:
    """The sizes, the folder, and what is made in it; `notes` are for the report."""

    def __init__(self, scale: Scale, folder: Path, say: Callable[[str], None]) -> None:
        self.scale, self.folder, self.say = scale, folder, say
        self.notes: list[str] = []
        self._numbers = count(1)

    @contextmanager
    def new_home(self) -> Iterator[Path]:
        """A home that does not exist yet, and is removed in the end."""
        path = self.folder / f"home-{next(self._numbers)}"
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def new_installation(self) -> Iterator[Installation]:
        """An installation with an empty store, ended and removed in the end."""
        with self.new_home() as home, Installation(home) as installation:
            yield installation

    @cached_property
    def filled_home(self) -> Path:
        """A home with many finished and pending jobs, filled at its first use."""
        home = self.folder / "filled"
        self.say(f"filling a store: {self.scale.finished} finished, {self.scale.pending} pending")
        with Installation(home) as installation:
            fill(installation.queue, self.scale.finished, self.scale.pending)
        return home

    @cached_property
    def crowded_home(self) -> Path:
        """A home with jobs in many queues that have failed, are scheduled, have said much."""
        home = self.folder / "crowded"
        self.say(f"crowding a store: three times {self.scale.crowd} in {self.scale.queues} queues")
        with Installation(home) as installation:
            crowd(installation.queue, self.scale.crowd, self.scale.queues)
        return home

    def program(self, name: str) -> str | None:
        """One of our C programs; None where it cannot be compiled."""
        return compiled(name, self.folder)


@contextmanager
def open_workbench(scale: Scale, parent: Path, say: Callable[[str], None]) -> Iterator[Workbench]:
    """A workbench in a new folder below `parent`, of which nothing is left in the end."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="benchmarks-", dir=parent)).resolve()
    # An installed copy has its byte code; a working copy may not. Here each warm-up makes it.
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    try:
        yield Workbench(scale, folder, say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def queuectl(home: Path, *words: str) -> list[str]:
    """The command line of a one-shot command, started as a person's shell starts it."""
    start = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-P", "-m", "queuectl"]
    return [*start, "--home", str(home), *words]
