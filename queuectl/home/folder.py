"""The home folder and the places of everything in it."""

from __future__ import annotations

import os
import stat
from typing import Self

from queuectl.domain.errors import HomeUnusable
from queuectl.home import private


class Home:
    """A private folder (0700) that belongs to us, made if needed; raises `HomeUnusable`.

    `path` is free of symbolic links: processes know their home by its one true name. It may be
    one that cannot be written now, on a disk that is read-only: there is much to read.
    """

    def __init__(self, path: str) -> None:
        given = os.path.abspath(path)
        try:
            _make(given)
        except OSError as error:
            raise HomeUnusable(given, error.strerror or str(error)) from None
        self.path = os.path.realpath(given)
        self._suffix = ""

    def serving(self, store: str, uuid: str) -> Self:
        """This home for the store at a URL: what belongs to one elsewhere is kept apart."""
        scheme, _, place = store.partition("://")
        own = scheme == "sqlite" and os.path.realpath(place) == os.path.realpath(self.database)
        self._suffix = "" if own else f"-{uuid}"
        return self

    def __str__(self) -> str:
        return self.path

    @property
    def database(self) -> str:
        """The SQLite store."""
        return database_in(self.path)

    @property
    def wake(self) -> str:
        """The FIFO that wakes the supervisor."""
        return os.path.join(self.path, "wake")

    @property
    def supervisor_lock(self) -> str:
        """Locked by the one supervisor of this home for as long as it lives."""
        return os.path.join(self.path, "supervisor.lock")

    @property
    def log(self) -> str:
        """The supervisor's rotating log."""
        return os.path.join(self.path, "supervisor.log")

    @property
    def history(self) -> str:
        """The lines typed into the shell."""
        return os.path.join(self.path, "history")

    @property
    def startup_script(self) -> str:
        """Shell lines run at the start of each interactive shell, if it exists."""
        return os.path.join(self.path, "startup.txt")

    def worker_lock(self, worker_id: str) -> str:
        """Locked by a worker, and by its children until they have become their command."""
        return os.path.join(self.locks, f"{worker_id}.lock")

    def output(self, row: int, lease: int) -> str:
        """The transcript of an attempt whose output is kept in a file, or grows still.

        Tail segments of a running attempt stand beside it, with a suffix.
        """
        # A thousand jobs a folder: directories stay small however long the queue lives.
        return f"{self.outputs}/{row // 1000}/{row}.{lease}"

    @property
    def outputs(self) -> str:
        """The folder of all transcripts; each store that a home is used with has one."""
        return f"{self.path}/output{self._suffix}"

    @property
    def locks(self) -> str:
        """The folder of the workers' lock files; each store has one, like `outputs`."""
        return os.path.join(self.path, f"run{self._suffix}")

    def make_locks(self) -> None:
        """Make the folder for lock files, if needed."""
        self.folder(os.path.basename(self.locks))

    @property
    def all_locks(self) -> list[str]:
        """The lock files of workers, whatever store they work for."""
        folders = [name for name in os.listdir(self.path) if name.partition("-")[0] == "run"]
        paths = [os.path.join(self.path, name) for name in folders]
        return [os.path.join(path, name) for path in paths for name in os.listdir(path)]

    @property
    def restoring(self) -> str:
        """What a restore has unpacked and not put in its place yet."""
        return os.path.join(self.path, "restoring")

    def folder(self, name: str) -> str:
        """The subfolder `name`, made if needed."""
        path = os.path.join(self.path, name)
        try:
            private.make_folders(path)
        except OSError as error:
            raise HomeUnusable(path, error.strerror or str(error)) from None
        return path


def database_in(path: str) -> str:
    """The SQLite store of the home at `path`."""
    return os.path.join(path, "queue.db")


def _make(path: str) -> None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):  # what it leads to may be a disk that is not mounted
            raise HomeUnusable(path, "it is a link to nothing") from None
        private.make_folders(path)
        found = os.stat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise HomeUnusable(path, "it is not a folder")
    if found.st_uid != os.geteuid():
        raise HomeUnusable(path, "it belongs to another user")
    rights = stat.S_IMODE(found.st_mode)
    if rights == 0:  # its maker had a strange umask and came no further
        os.chmod(path, 0o700)
    elif rights & 0o077:
        os.chmod(path, rights & 0o700)
    if not os.access(path, os.R_OK | os.X_OK):
        raise HomeUnusable(path, "no permission to read")


def locate(wish: str | None, environment: dict[str, str] | os._Environ[str]) -> str:
    """The path of the home: the wish, `QUEUECTL_HOME`, or the platform's user state folder."""
    path = wish if wish is not None else environment.get("QUEUECTL_HOME")
    if path is None:
        from platformdirs import user_state_dir  # slow to import, and often not needed

        return user_state_dir("queuectl", appauthor=False)
    if not path or "\0" in path:
        raise HomeUnusable(path, "not a path")
    return os.path.expanduser(path)
