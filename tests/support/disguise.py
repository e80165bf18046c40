"""Commands run under another umask and, where this is root, as an ordinary user."""

import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

NOBODY = 65534
STRANGER = 54321
IS_ROOT = os.geteuid() == 0

_BECOME = "umask {umask:o}; exec setpriv --reuid {uid} --regid {uid} --clear-groups -- {argv}"


def disguised(argv: list[str], umask: int = 0o022, uid: int | None = None) -> list[str]:
    """The command line that runs `argv` with this umask, as this user (or as who we are)."""
    line = shlex.join(argv)
    if uid is None or uid == os.geteuid():
        return ["sh", "-c", f"umask {umask:o}; exec {line}"]
    become = _BECOME.format(umask=umask, uid=uid, argv=line)
    opened = _opened()
    if not opened:
        return ["sh", "-c", become]
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"{opened}\n{become}"]


@cache
def _opened() -> str:
    """Shell lines that let every user reach Python and this checkout, in a view of their own.

    A folder on the way that is closed to others is replaced by one with nothing but the way.
    """
    ways: dict[Path, set[Path]] = {}
    for path in {sys.executable, sys.prefix, sys.base_prefix, os.path.realpath(sys.executable)}:
        _collect(Path(path), ways)
    _collect(Path(__file__), ways)
    lines = ["set -e; keep=$(mktemp -d)"]
    for closed, inside in ways.items():
        place, names = shlex.quote(str(closed)), [shlex.quote(one.name) for one in inside]
        lines += [_moved(f"{place}/{name}", f'"$keep"/{name}') for name in names]
        lines += [f"mount -t tmpfs -o mode=755 none {place}"]
        lines += [_moved(f'"$keep"/{name}', f"{place}/{name}") for name in names]
        lines += [f'umount "$keep"/{name}; rmdir "$keep"/{name}' for name in names]
    return "\n".join([*lines, 'rmdir "$keep"']) if ways else ""


def _moved(place: str, other: str) -> str:
    return f"mkdir {other}; mount --bind {place} {other}"


def _collect(path: Path, ways: dict[Path, set[Path]]) -> None:
    for below, above in zip([path, *path.parents], path.parents, strict=False):
        if not above.stat().st_mode & stat.S_IXOTH:
            ways.setdefault(above, set()).add(below)


@contextmanager
def folder_of(uid: int) -> Iterator[Path]:
    """A folder of its own that belongs to this user, with all above it open to everybody."""
    path = Path(tempfile.mkdtemp(prefix="queuectl-", dir="/tmp"))
    os.chown(path, uid, -1)
    path.chmod(0o755)
    try:
        _need_a_disguise(uid, path)
        yield path
    finally:
        shutil.rmtree(path)


def _need_a_disguise(uid: int, path: Path) -> None:
    argv = disguised([sys.executable, "-c", "import queuectl.cli"], uid=uid)
    tools = all(map(shutil.which, ("setpriv", "unshare", "mount")))
    if not tools or subprocess.run(argv, cwd=path, capture_output=True, check=False).returncode:
        pytest.skip("needs a Python and a checkout that another user can reach")
