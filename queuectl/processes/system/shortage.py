"""Tells a want of room from other failures: what the system refuses now it may grant later."""

from __future__ import annotations

import errno

# Processes, memory, descriptors of the process and of the system, disk, quota, socket buffers.
_ERRORS = {
    errno.EAGAIN,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOBUFS,
}


def is_shortage(error: OSError) -> bool:
    """Whether the system had no room, and nobody is to blame."""
    return error.errno in _ERRORS
