"""What keeps the queue from taking jobs and recording their ends, as far as one can see."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from queuectl.domain.text import visible
from queuectl.home import notice
from queuectl.home.folder import Home
from queuectl.queue import JobQueue


def troubles(queue: JobQueue) -> list[str]:
    """One line for each: the word of the living supervisor, and what the disk shows."""
    supervisor = queue.supervisor()
    note = None
    if supervisor is not None:
        note = notice.read(queue.home.supervisor_lock) or supervisor.note
    said = [f"supervisor: {visible(note)}"] if note else []
    return said + _of_disk(queue.home)


def _of_disk(home: Home) -> list[str]:
    path = visible(home.path)
    with suppress(OSError):
        disk = os.statvfs(home.path)
        free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
        if disk.f_flag & os.ST_RDONLY or _is_broken(home):
            return [f"the disk of {path} is read-only"]
        if disk.f_blocks and not free:
            return [f"no room is left on the disk of {path}"]
        if disk.f_files and not disk.f_ffree:
            return [f"the disk of {path} takes no more files"]
        if not os.access(home.path, os.W_OK):
            return [f"no permission to write in {path}"]
    return []


def _is_broken(home: Home) -> bool:
    # After an error some file systems take no more writes and say so in no other way.
    try:
        os.close(os.open(home.supervisor_lock, os.O_WRONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno == errno.EROFS
    return False
