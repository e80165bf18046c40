"""Real want of room: small disks that fill up, processes without descriptors, no more processes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.installation import Installation
from tests.support.waiting import until

_PAGE = 4096
PROCESSES = ("supervisor", "nursery", "scheduler", "worker")


def needs_root(what: str) -> None:
    if os.geteuid() != 0:
        pytest.skip(f"needs root to {what}")


class Disk:
    """A mounted file system that can be filled up to its last byte."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, *, spare: int = 0) -> None:
        """Take all room but `spare` bytes."""
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(_PAGE))
        os.truncate(self._ballast, max(0, self._ballast.stat().st_size - spare))

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, size: str = "4m") -> Iterator[Disk]:
    """A tmpfs of that size at `path`."""
    needs_root("mount a small disk")
    path.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path))
    try:
        yield Disk(path)
    finally:
        unmount(path)


def unmount(path: Path) -> None:
    """Take the file system away, once whoever is ending there has ended."""
    command = ["umount", str(path)]
    until(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0)


class BreakingDisk:
    """An ext4 in a file, which the kernel makes read-only when told that it is damaged."""

    def __init__(self, image: Path, path: Path) -> None:
        self._image, self.path = image, path
        path.mkdir()
        with image.open("wb") as file:
            file.truncate(32 << 20)
        _run("mkfs.ext4", "-q", "-F", str(image))
        self.mount()

    def mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.path))
        if not self._trigger.exists():
            unmount(self.path)
            pytest.skip("needs an ext4 that can be told that it is damaged")

    @property
    def _trigger(self) -> Path:
        source = _run("findmnt", "-n", "-o", "SOURCE", "--mountpoint", str(self.path)).strip()
        return Path("/sys/fs/ext4") / Path(source).name / "trigger_fs_error"

    def damage(self) -> None:
        self._trigger.write_text("1")
        until(self._is_read_only)

    def _is_read_only(self) -> bool:
        # New kernels say so in no other way.
        probe = self.path / "probe"
        try:
            probe.touch()
            probe.unlink()
        except OSError as error:
            return error.errno == errno.EROFS
        return False

    def mend(self) -> None:
        """Mount it again; nobody may be using it."""
        unmount(self.path)
        _run("e2fsck", "-f", "-y", str(self._image), codes=(0, 1, 2))
        self.mount()


@contextmanager
def breaking_disk(folder: Path) -> Iterator[BreakingDisk]:
    needs_root("mount a disk that breaks")
    if not os.path.exists("/dev/loop-control") or shutil.which("mkfs.ext4") is None:
        pytest.skip("needs loop devices and mkfs.ext4")
    disk = BreakingDisk(folder / "image", folder / "breaking")
    try:
        yield disk
    finally:
        unmount(disk.path)


@contextmanager
def no_descriptors(pid: int) -> Iterator[None]:
    """Meanwhile the process can open nothing."""
    process = psutil.Process(pid)
    soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))


class Pids:
    """A control group that bounds how many processes its members may be."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, *pids: int) -> None:
        for pid in pids:
            (self._path / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        """Give them no new process."""
        (self._path / "pids.max").write_text("0")

    def open(self) -> None:
        (self._path / "pids.max").write_text("max")

    def argv(self, *words: str) -> list[str]:
        """What runs a command as the only process that may be in the group."""
        (self._path / "pids.max").write_text("1")
        enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
        return ["sh", "-c", enter, str(self._path), *words]

    def remove(self) -> None:
        until(lambda: not (self._path / "cgroup.procs").read_text(), "the group is empty")
        self._path.rmdir()


@contextmanager
def bounded_pids() -> Iterator[Pids]:
    needs_root("make a control group")
    for root in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        if not os.access(root, os.W_OK) or not os.path.exists(f"{root}/cgroup.procs"):
            continue
        path = Path(tempfile.mkdtemp(prefix="queuectl-", dir=root))
        if (path / "pids.max").exists():
            break
        path.rmdir()
    else:
        pytest.skip("needs a control group for processes")
    group = Pids(path)
    try:
        yield group
    finally:
        group.open()
        group.remove()


def _run(*words: str, codes: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in codes, done
    return done.stdout


class Gate:
    """What commands wait for; each says when it begins, and whether it met another of its job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._go = folder / "go"
        os.mkfifo(self._go)
        self._descriptor = os.open(self._go, os.O_RDWR)

    def command(self, name: str, then: str = "true") -> str:
        log, lock = self.folder / name, self.folder / f"{name}.lock"
        return (
            f"exec 9> {lock}; flock -n 9 || echo doubled >> {log}; echo begun >> {log}; "
            f"echo {name} begun; read -r line < {self._go}; {then}"
        )

    def open(self) -> None:
        """Let all go on that wait or will wait: each takes a line."""
        os.write(self._descriptor, b"\n" * 1000)

    def close(self) -> None:
        os.close(self._descriptor)

    def said(self, name: str) -> list[str]:
        log = self.folder / name
        return log.read_text().splitlines() if log.exists() else []


def trouble(place: Installation) -> list[str]:
    told: list[str] = json.loads(place.ctl("status", "--format", "json").stdout)["trouble"]
    return told


def supervisor_says(place: Installation) -> str:
    return "".join(line for line in trouble(place) if line.startswith("supervisor: "))


def everybody(place: Installation) -> dict[str, list[int]] | None:
    """The pids of all processes by name, once there is one of each and the scheduler has begun."""
    found = {name: place.processes(name) for name in PROCESSES}
    complete = all(found.values()) and all(map(_is_scheduling, found["scheduler"]))
    return found if complete else None


def _is_scheduling(pid: int) -> bool:
    """Whether it has its second thread, which it starts once it has all that it needs."""
    try:
        return psutil.Process(pid).num_threads() > 1
    except psutil.NoSuchProcess:
        return False
