"""The C programs of the benchmarks, compiled where there is a compiler."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NO_COMPILER = "no working C compiler (cc) is installed"
_SOURCES = Path(__file__).parent / "programs"


def compiled(name: str, folder: Path) -> str | None:
    """The program `name`, compiled into `folder`; None where that fails."""
    program = folder / name
    if program.exists():
        return str(program)
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    command = [compiler, "-O2", "-Wall", "-o", str(program), str(_SOURCES / f"{name}.c")]
    # Without shared libraries to look up, less of its own start is measured with it.
    for options in (["-static"], []):
        done = subprocess.run([*command, *options], capture_output=True, check=False)
        if done.returncode == 0:
            return str(program)
    return None
