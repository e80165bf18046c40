"""A wall clock that can be set for some processes, while that of the machine is left alone."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("wall_clock.c")


class WallClock:
    """What processes see that run with `environment`; `step` sets it for all of them at once."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("needs a C compiler")
        library, file = folder / "wall_clock.so", folder / "wall_clock.offset"
        subprocess.run(
            [compiler, "-Wall", "-Werror", "-O2", "-shared", "-fPIC", "-o", library, SOURCE],
            check=True,
        )
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._page = mmap.mmap(opened.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK_OFFSET": str(file)}
        self.offset = 0

    def step(self, seconds: int) -> None:
        """Set the clock by so much."""
        self.offset += seconds
        struct.pack_into("q", self._page, 0, self.offset)

    def now(self) -> float:
        """What the clock shows, in seconds."""
        return time.time() + self.offset
