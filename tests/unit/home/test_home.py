"""The home folder, its locks and its wake-up FIFO."""

from __future__ import annotations

import os
import select
import stat
import subprocess
import sys

import pytest

from queuectl.domain.errors import HomeUnusable
from queuectl.home import locks, wake
from queuectl.home.folder import Home, locate


def test_a_home_is_made_private_and_kept_so(tmp_path):
    path = tmp_path / "a" / "b"
    Home(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    path.chmod(0o755)
    Home(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("path", ["/dev/null", "/dev/null/below", "/proc/no/home"])
def test_a_home_that_cannot_be_is_refused_with_the_reason(path):
    with pytest.raises(HomeUnusable, match=f"cannot use home '{path}': "):
        Home(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to own a folder as somebody else")
def test_a_home_of_somebody_else_is_refused(tmp_path):
    os.chown(tmp_path, 12345, 12345)
    with pytest.raises(HomeUnusable, match="belongs to another user"):
        Home(str(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_home_is_made_in_a_folder_that_may_be_written_but_not_read(tmp_path):
    above = tmp_path / "above"
    above.mkdir()
    os.chown(above, 65534, 65534)
    above.chmod(0o300)
    for folder in above.parents:
        if folder.stat().st_mode & 0o011 != 0o011:
            folder.chmod(folder.stat().st_mode | 0o011)
    load = "import os; from queuectl.home.folder import Home"
    make = f"os.setuid(65534); Home({str(above / 'home')!r})"
    subprocess.run([sys.executable, "-c", f"{load}; {make}"], check=True)
    assert (above / "home").is_dir()


def test_the_home_comes_from_the_option_the_environment_or_the_platform(tmp_path):
    assert locate("/x", {"QUEUECTL_HOME": "/y"}) == "/x"
    assert locate(None, {"QUEUECTL_HOME": "/y"}) == "/y"
    assert locate(None, {}).endswith("queuectl")
    with pytest.raises(HomeUnusable):
        locate("", {})


def test_a_lock_is_held_by_one_process_until_it_dies(tmp_path):
    path = str(tmp_path / "lock")
    assert not locks.is_held(path)
    code = f"from queuectl.home import locks; print(locks.acquire({path!r})); input()"
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert locks.is_held(path)
        assert locks.acquire(path) is None
        holder.kill()
    assert not locks.is_held(path)
    mine = locks.acquire(path)
    assert mine is not None
    os.close(mine)


def test_looking_at_a_lock_does_not_take_it_from_whoever_comes(tmp_path):
    path = str(tmp_path / "lock")
    code = f"""
import time
from queuectl.home import locks
end = time.monotonic() + 1
while time.monotonic() < end: locks.is_held({path!r})
"""
    with subprocess.Popen([sys.executable, "-c", code]) as looker:
        while looker.poll() is None:
            mine = locks.acquire(path)
            assert mine is not None
            os.close(mine)


def test_a_ring_wakes_the_listener_and_never_blocks(tmp_path):
    path = str(tmp_path / "wake")
    wake.ring(path)  # nobody listens
    listener = wake.listen(path)
    try:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        for _ in range(100_000):  # more than a pipe holds
            wake.ring(path)
        assert select.select([listener], [], [], 0)[0]
        wake.hush(listener)
        assert not select.select([listener], [], [], 0)[0]
    finally:
        os.close(listener)


def test_something_else_in_the_place_of_the_fifo_is_replaced(tmp_path):
    path = tmp_path / "wake"
    path.write_text("no fifo")
    os.close(wake.listen(str(path)))
    assert stat.S_ISFIFO(path.stat().st_mode)
