"""Backups as tar archives: what they are of, the store's file, transcripts, and a seal.

The seal is the last member. It tells how many bytes of content came before it and their SHA-256,
so that an archive that was cut off or changed is noticed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from queuectl.domain.errors import BackupUnusable
from queuectl.home import transcripts
from queuectl.home.folder import Home

FORMAT = 1
DATABASE = "queue.db"
_LABEL, _SEAL = "queuectl-backup.json", "seal.json"
_MOST_OF_JSON = 65536
_CHUNK, _READ = 1024 * 1024, 64 * 1024

Label = dict[str, Any]


class _Digest:
    """What was put into an archive, or taken out, so far."""

    def __init__(self) -> None:
        self._hash, self._size = hashlib.sha256(), 0

    def begin(self, member: tarfile.TarInfo) -> None:
        self._hash.update(f"{member.name}\0{member.size}\0".encode())

    def take(self, data: bytes) -> None:
        self._hash.update(data)
        self._size += len(data)

    def seal(self) -> Label:
        return {"bytes": self._size, "sha256": self._hash.hexdigest()}


class _Passage(io.RawIOBase):
    """A file that is read to the size it had at first; what it lost meanwhile is zeros."""

    def __init__(self, file: IO[bytes], size: int, digest: _Digest) -> None:
        self._file, self._left, self._digest = file, size, digest

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted).ljust(wanted, b"\0")
        self._left -= wanted
        self._digest.take(data)
        return data


def pack(out: IO[bytes], label: Label, database: str, home: Home) -> int:
    """Write an archive of a store's file and all transcripts of a home; how many of these.

    A transcript that is removed meanwhile is left out. Raises `OSError`.
    """
    digest, count = _Digest(), 0
    with tarfile.open(fileobj=out, mode="w|", bufsize=_CHUNK) as archive:
        _add_json(archive, _LABEL, {"format": FORMAT, **label})
        _add_file(archive, DATABASE, database, digest)
        for name, path in _transcripts(home):
            count += _add_file(archive, name, path, digest)
        _add_json(archive, _SEAL, digest.seal())
    return count


def _transcripts(home: Home) -> Iterator[tuple[str, str]]:
    for folder in transcripts.folders(home):
        for name in sorted(transcripts.names_in(home, folder)):
            inner = os.path.join(str(folder), name)
            yield f"output/{inner}", os.path.join(home.outputs, inner)


def _add_json(archive: tarfile.TarFile, name: str, content: Label) -> None:
    data = json.dumps(content).encode() + b"\n"
    archive.addfile(_member(name, len(data), 0), io.BytesIO(data))


def _add_file(archive: tarfile.TarFile, name: str, path: str, digest: _Digest) -> bool:
    try:
        file = open(path, "rb")  # noqa: SIM115
    except FileNotFoundError:
        return False
    with file:
        status = os.fstat(file.fileno())
        member = _member(name, status.st_size, int(status.st_mtime))
        digest.begin(member)
        archive.addfile(member, _Passage(file, status.st_size, digest))
    return True


def _member(name: str, size: int, changed_at: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, changed_at, 0o600
    return member


def unpack(source: IO[bytes], name: str, folder: str) -> Label:
    """Write the content of an archive into an empty folder; what the archive is of.

    Transcripts come to `output/` in it. Raises `BackupUnusable` with the `name` of the archive,
    or `OSError`.
    """
    try:
        with tarfile.open(fileobj=source, mode="r|", bufsize=_READ) as archive:
            return _unpack(archive, name, folder)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise BackupUnusable(name, f"it is not a whole backup ({error})") from None


def _unpack(archive: tarfile.TarFile, name: str, folder: str) -> Label:
    members, digest = iter(archive), _Digest()
    label = _read_label(archive, next(members, None), name)
    for member in members:
        if member.name == _SEAL:
            if _read_json(archive, member, name) != digest.seal():
                raise BackupUnusable(name, "its content was changed: the checksum does not match")
            return label
        _write(archive, member, _place(member, name, folder), digest)
    raise BackupUnusable(name, "it is not a whole backup: its end is missing")


def _read_label(archive: tarfile.TarFile, first: tarfile.TarInfo | None, name: str) -> Label:
    if first is None or first.name != _LABEL:
        raise BackupUnusable(name, "it is not a backup of queuectl")
    label = _read_json(archive, first, name)
    if label.get("format") != FORMAT:
        raise BackupUnusable(
            name, f"its format is {label.get('format')}, this queuectl knows {FORMAT}"
        )
    return label


def _read_json(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> Label:
    file = archive.extractfile(member)
    try:
        content = json.loads(file.read(_MOST_OF_JSON)) if file else None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise BackupUnusable(name, f"its {member.name} cannot be read")
    return content


def _place(member: tarfile.TarInfo, name: str, folder: str) -> str:
    """Where a member goes; nothing but what `pack` writes is let through."""
    if member.isreg() and member.name == DATABASE:
        return os.path.join(folder, DATABASE)
    parts = member.name.split("/")
    run = transcripts.run_of(parts[-1])
    inner = ["output", str(run[0] // transcripts.ROWS), parts[-1]] if run else []
    if not member.isreg() or parts != inner:
        raise BackupUnusable(name, f"{member.name!r} has no place in a backup")
    path = os.path.join(folder, *inner)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    return path


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, digest: _Digest) -> None:
    file = archive.extractfile(member)
    assert file is not None
    digest.begin(member)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with file, open(descriptor, "wb") as target:
        while data := file.read(_CHUNK):
            target.write(data)
            digest.take(data)
