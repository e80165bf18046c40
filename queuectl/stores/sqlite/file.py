"""The file of a store: made for its owner only, and told apart from the files of others."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing, suppress

import apsw

from queuectl.domain.errors import StoreDamaged, StoreUnreachable
from queuectl.stores.sqlite.failures import failure, system_failure, translated
from queuectl.stores.sqlite.patience import Patience

APPLICATION_ID = 0x71636A71  # "qcjq", at byte 68 of the file as SQLite's format says
_HEADER_SIZE = 100
_WRITE_LOCK = 120
_MAGIC = b"SQLite format 3\0"
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


def prepare_file(path: str) -> None:
    """Make the file where there is none; raises `StoreError` if it is no store.

    Nothing is changed in the files of others; an empty file is as good as none.
    """
    if not _is_utf8(path):
        raise failure(StoreUnreachable, path, "its path is not valid UTF-8")
    try:
        _make(path)
        status = os.stat(path)
    except OSError as error:
        raise system_failure(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise failure(StoreUnreachable, path, "it is not a file")
    if status.st_size:
        header = _read_header(path, status.st_size)
        if not header.startswith(_MAGIC) and _is_half_made(path):
            _undo(path)
            return
        _check_header(path, header)


def _make(path: str) -> None:
    """Make an empty file, unless there is one; SQLite gives its companions the same mode."""
    if os.path.exists(path):
        return
    _make_durable(os.path.dirname(os.path.realpath(path)))
    with suppress(FileExistsError):  # somebody else was faster
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)  # whatever the umask took away
        os.close(descriptor)


def _make_durable(folder: str) -> None:
    """Have the way to `folder` survive power loss, whoever made parts of it a moment ago.

    Files in the folder are SQLite's affair, which syncs it with each that it makes. Where a store
    exists, its maker has been here before, so that nobody has to do this again.
    """
    device, parent = os.stat(folder).st_dev, os.path.dirname(folder)
    while parent != folder and os.stat(parent).st_dev == device:
        if os.access(parent, os.W_OK):  # else nothing new is in it
            _sync(parent)
        folder, parent = parent, os.path.dirname(parent)


def _sync(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:  # it may be written, but not read
        os.sync()
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # what file systems say that know no such thing
            raise
    finally:
        os.close(descriptor)


def _check_header(path: str, header: bytes) -> None:
    if not header.startswith(_MAGIC):
        raise failure(StoreDamaged, path, "it is not a database")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise failure(StoreDamaged, path, "it is a database of another program")


def _is_half_made(path: str) -> bool:
    """Whether the power went while a database was made of an empty file."""
    try:
        with open(f"{path}-journal", "rb") as file:
            journal = file.read(20)
    except OSError:
        return False
    return journal.startswith(_JOURNAL_MAGIC) and journal[16:] == bytes(4)  # pages before


def _undo(path: str) -> None:
    """Have SQLite go back to the empty file, as it does with any change that was cut off."""
    with translated(path), closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)) as half:
        half.set_busy_handler(Patience())
        half.pragma("schema_version")


def writer(path: str) -> int | None:
    """The process that holds the lock for writing, where the system shows it.

    It is byte 120 of the shared memory file, by SQLite's file format. That file is not opened here:
    when it was closed again all locks of this process would be gone.
    """
    try:
        inode = os.stat(f"{path}-shm").st_ino
        with open("/proc/locks") as file:
            entries = [line.split() for line in file]
    except OSError:
        return None
    for entry in entries:
        if len(entry) != 8 or entry[3] != "WRITE" or not entry[5].endswith(f":{inode}"):
            continue
        if int(entry[6]) <= _WRITE_LOCK and (entry[7] == "EOF" or int(entry[7]) >= _WRITE_LOCK):
            return int(entry[4])
    return None


def is_read_only(path: str) -> bool:
    """Whether its file system takes no writes."""
    with suppress(OSError):
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    return False


def has_wal(path: str) -> bool:
    """Whether a WAL holds something that may not be in the file itself."""
    with suppress(OSError):
        return os.stat(path + "-wal").st_size > 0
    return False


def immutable(path: str) -> str:
    """The name under which SQLite opens a file that nobody can change."""
    # What SQLite's page on URI file names says that a path needs.
    name = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{name}?immutable=1"


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # it came from bytes that are none
        return False
    return True


def _read_header(path: str, size: int) -> bytes:
    if size < _HEADER_SIZE:
        return b""
    # Through SQLite: when a file is closed by hand, the locks of every connection that this
    # process has to it are gone.
    with translated(path):
        file = apsw.VFSFile("", path, [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY, 0])
        try:
            return file.xRead(_HEADER_SIZE, 0)
        finally:
            file.xClose()
