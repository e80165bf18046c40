"""What keeps the queue from taking jobs and recording their ends, as far as one can see."""

from __future__ import annotations

import os
from contextlib import suppress

from queuectl.domain.text import visible
from queuectl.home import notice
from queuectl.queue import JobQueue


def troubles(queue: JobQueue) -> list[str]:
    """One line for each: the word of the living supervisor, and what the disk shows."""
    supervisor = queue.supervisor()
    note = None
    if supervisor is not None:
        note = notice.read(queue.home.supervisor_lock) or supervisor.note
    said = [f"supervisor: {visible(note)}"] if note else []
    return said + _of_disk(queue.home.path)


def _of_disk(path: str) -> list[str]:
    with suppress(OSError):
        disk = os.statvfs(path)
        free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
        if disk.f_flag & os.ST_RDONLY:
            return [f"the disk of {visible(path)} is read-only"]
        if disk.f_blocks and not free:
            return [f"no room is left on the disk of {visible(path)}"]
        if disk.f_files and not disk.f_ffree:
            return [f"the disk of {visible(path)} takes no more files"]
        if not os.access(path, os.W_OK):
            return [f"no permission to write in {visible(path)}"]
    return []
