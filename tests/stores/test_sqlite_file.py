"""The file of a SQLite store: whose it is, and what may be wrong with it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from queuectl.domain.errors import (
    BadValue,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreTooNew,
    StoreUnreachable,
)
from queuectl.stores import open_store
from queuectl.stores.sqlite import SqliteStore
from queuectl.stores.sqlite import patience as waiting
from queuectl.stores.sqlite.wal import MOST_KEPT
from tests.stores.scene import ALL, audit, spec


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(str(path)) as store:
        yield store


def open_at(path: Path) -> None:
    SqliteStore(str(path)).close()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_a_store_is_opened_by_its_url(path: Path) -> None:
    with open_store(f"sqlite://{path}") as store:
        store.add([spec("job")])
        assert store.url == f"sqlite://{path}"
        assert len(store.uuid) == 32
    with open_store(store.url) as again:
        assert again.uuid == store.uuid
        assert again.get("job").id == "job"


@pytest.mark.parametrize("url", ["sqlite:store.db", "sqlite://store.db", "mysql://x/y", ""])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(BadValue):
        open_store(url)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_only_the_owner_may_read_any_of_its_files(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with SqliteStore(str(path)) as store:
            store.add([spec()])
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    open_at(path)
    assert path.stat().st_size > 0


@pytest.mark.parametrize("content", [b"some text\n", b"x", b"SQLite format 3\0", b"\0" * 5000])
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match=rf"store {path}: it is not a database"):
        open_at(path)
    assert contents(path.parent) == {"store.db": content}


def journal(pages_before: int) -> bytes:
    """What stands in a journal before the pages, of which it has none."""
    numbers = (0, 1, pages_before, 512, 4096)
    magic = bytes.fromhex("d9d505f920a163d7")
    return magic + b"".join(number.to_bytes(4, "big") for number in numbers) + bytes(484)


def test_a_store_whose_making_was_cut_off_by_a_loss_of_power_is_made_again(path: Path) -> None:
    path.write_bytes(bytes(4096) + b"x" * 4096)
    path.with_name("store.db-journal").write_bytes(journal(0))
    open_at(path)
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]


@pytest.mark.parametrize("beside", [b"", b"some text\n", journal(2)], ids=["none", "text", "pages"])
def test_a_file_with_the_journal_of_something_else_is_left_alone(path: Path, beside: bytes) -> None:
    path.write_bytes(bytes(8192))
    path.with_name("store.db-journal").write_bytes(beside)
    before = contents(path.parent)
    with pytest.raises(StoreDamaged, match="it is not a database"):
        open_at(path)
    assert contents(path.parent) == before


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_of_another_program_is_left_alone(path: Path, mode: str) -> None:
    with closing(apsw.Connection(str(path))) as other:
        other.pragma("journal_mode", mode)
        other.execute("CREATE TABLE jobs (id); INSERT INTO jobs VALUES (1)")
        # What a crash leaves behind, with changes that are not in the database itself yet.
        before = contents(path.parent)
        with pytest.raises(StoreDamaged, match="a database of another program"):
            open_at(path)
        assert contents(path.parent) == before


def test_a_damaged_store_is_reported(path: Path) -> None:
    open_at(path)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(StoreDamaged, match=rf"store {path}: it is damaged"):
        open_at(path)


def test_a_store_that_lost_a_table_is_reported(path: Path, store: SqliteStore) -> None:
    with closing(apsw.Connection(str(path))) as other:
        other.execute("DROP TABLE settings")
    with pytest.raises(StoreDamaged, match="no such table: settings"):
        store.stored_settings()


def test_a_truncated_store_is_reported(path: Path) -> None:
    with SqliteStore(str(path)) as store:
        store.add(spec() for _ in range(1000))
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StoreDamaged), SqliteStore(str(path)) as store:
        list(store.find(ALL))


def test_a_store_of_a_newer_version_is_refused(path: Path) -> None:
    open_at(path)
    with closing(apsw.Connection(str(path))) as newer:
        newer.pragma("user_version", 99)
    with pytest.raises(StoreTooNew) as caught:
        open_at(path)
    assert (caught.value.found, caught.value.place) == (99, str(path))


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match="is not a file"):
        open_at(tmp_path)


def test_a_pipe_is_no_store(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(StoreUnreachable, match="is not a file"):
        open_at(path)


def test_a_folder_that_does_not_exist_holds_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match="No such file or directory"):
        open_at(tmp_path / "none" / "store.db")
    assert list(tmp_path.iterdir()) == []


def test_a_dangling_link_is_no_store(path: Path) -> None:
    path.symlink_to("nowhere")
    with pytest.raises(StoreUnreachable):
        open_at(path)


def test_a_path_that_is_no_text_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match=r"x\\xff: its path"):
        open_at(tmp_path / "x\udcff")


@pytest.mark.parametrize("mode", [0o000, 0o400])
def test_a_file_that_may_not_be_written_is_reported(path: Path, mode: int) -> None:
    open_at(path)
    path.chmod(mode)
    path.parent.chmod(0o755)
    script = f"""
import os
from queuectl.domain.errors import StoreUnreachable
from queuectl.stores.sqlite import SqliteStore
if os.getuid() == 0:
    os.setuid(65534)  # the superuser may write whatever the mode says
try:
    SqliteStore({str(path)!r}).store_setting("a", "b")
except StoreUnreachable as error:
    print(error)
"""
    for folder in path.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"store {path}: "), done
    assert done.stdout.count("\n") == 1


def test_a_full_disk_refuses_a_batch_and_keeps_the_store_usable(store: SqliteStore) -> None:
    store.add([spec("first")])
    pages = store._connection.pragma("page_count")
    store._connection.pragma("max_page_count", pages + 2)
    with pytest.raises(StoreFull, match="no room is left"):
        store.add(spec(command="x" * 1000) for _ in range(1000))
    assert store.count(ALL) == 1
    audit(store)
    store._connection.pragma("max_page_count", 2**31)
    store.add([spec("second")])
    audit(store)


def test_a_lock_that_is_held_too_long_is_reported(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LIMIT", 0.05)
    with SqliteStore(str(path)) as other, other._writing("set"):
        with pytest.raises(StoreBusy, match=rf"store {path}: others kept it locked"):
            store.add([spec()])
        assert store.count(ALL) == 0
    store.add([spec()])


def test_a_closed_store_says_so(path: Path) -> None:
    store = SqliteStore(str(path))
    store.close()
    store.close()
    with pytest.raises(StoreError, match=r"it has been closed"):
        store.tallies()


def test_settings_of_the_connection_are_safe(store: SqliteStore) -> None:
    connection = store._connection
    values = {
        name: connection.pragma(name)
        for name in ("journal_mode", "synchronous", "foreign_keys", "mmap_size")
    }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "mmap_size": 0}
    assert connection.pragma("integrity_check") == "ok"


def test_the_wal_stays_bounded(path: Path, store: SqliteStore) -> None:
    wal = path.with_name("store.db-wal")
    store.add(spec(command="x" * 10_000) for _ in range(8_000))
    assert wal.stat().st_size > MOST_KEPT
    for text in ("a", "b"):
        store.store_setting("key", text)
    assert wal.stat().st_size <= MOST_KEPT


def test_opening_a_store_again_leaves_the_locks_of_the_first_alone(path: Path) -> None:
    # Closing a file by hand would drop the locks that this process holds on it.
    with SqliteStore(str(path)) as store:
        before = _locks_on(path)
        assert before
        open_at(path)
        assert _locks_on(path) == before
        store.add([spec()])


def _locks_on(path: Path) -> list[str]:
    inodes = {str(file.stat().st_ino) for file in path.parent.glob("store.db*")}
    locks = Path("/proc/locks").read_text().splitlines()
    fields = (line.split() for line in locks)
    return sorted(" ".join(field[1:]) for field in fields if field[5].split(":")[2] in inodes)
