"""Everything that can go wrong, one class per cause that a caller can act on."""

from __future__ import annotations

from collections.abc import Iterable

from queuectl.domain.text import nearest, quoted, quoted_path, visible


class QueuectlError(Exception):
    """Base of all errors; `str()` is the one line a person reads, `exit_code` the command's code.

    1 means understood but not possible, 2 means invalid input with nothing changed.
    """

    exit_code = 1

    def __str__(self) -> str:
        return visible(super().__str__())


class InvalidInput(QueuectlError):
    """The input itself is wrong, so nothing was changed."""

    exit_code = 2


class BadValue(InvalidInput):
    """A field, option or setting has a value that it cannot take."""

    def __init__(self, field: str, value: object, wanted: str) -> None:
        self.field, self.value, self.wanted = field, value, wanted
        super().__init__(f"{field}: {quoted(value)} is not {wanted}")


class UnknownName(InvalidInput):
    """A name (of a field, setting, state, command) that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(map(str, known))
        guess = nearest(name, self.known)
        hint = f"did you mean {guess!r}?" if guess else "known: " + ", ".join(self.known)
        super().__init__(f"unknown {kind} {quoted(name)}: {hint}")


class BadLine(InvalidInput):
    """One line or element of a batch is wrong, so the whole batch was refused."""

    def __init__(self, place: str, number: int, cause: QueuectlError) -> None:
        self.place, self.number, self.cause = place, number, cause
        self.exit_code = cause.exit_code
        super().__init__(f"{place} {number}: {cause}")


class NoSuchJob(QueuectlError):
    """The store holds no job with this id."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"no such job: {quoted(job_id)}")


class NoSuchAttempt(QueuectlError):
    """The job has no attempt with this number."""

    def __init__(self, job_id: str, number: int, attempts: int) -> None:
        self.job_id, self.number, self.attempts = job_id, number, attempts
        held = f"its attempts are 1 to {attempts}" if attempts else "it has not run yet"
        super().__init__(f"job {quoted(job_id)} has no attempt {number}: {held}")


class WrongState(QueuectlError):
    """The job is in a state in which the deed makes no sense."""

    def __init__(self, job_id: str, state: str, deed: str, allowed: Iterable[str]) -> None:
        self.job_id, self.state, self.deed, self.allowed = job_id, state, deed, tuple(allowed)
        super().__init__(
            f"cannot {deed} job {quoted(job_id)}: it is {state}, not {_either(self.allowed)}"
        )


class IdTaken(QueuectlError):
    """A job with this id exists already."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"a job with id {quoted(job_id)} exists already")


class NothingMatched(QueuectlError):
    """No job matches the given filters in a state where the deed applies."""

    def __init__(self, deed: str) -> None:
        super().__init__(f"no job to {deed} matches")


class NoSuchWorker(QueuectlError):
    """No live worker has this id."""

    def __init__(self, worker_id: str, known: Iterable[str]) -> None:
        self.worker_id = worker_id
        names = ", ".join(known) or "none is running"
        super().__init__(f"no such worker: {quoted(worker_id)} (workers: {names})")


class ProcessFailed(QueuectlError):
    """A process of the queue did not start or did not answer; says where to look."""


class HomeUnusable(QueuectlError):
    """The home folder cannot be made, read or written."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"cannot use home {quoted_path(path)}: {reason}")


class StoreError(QueuectlError):
    """The store did not do what was asked; nothing of the deed was kept."""


class StoreUnreachable(StoreError):
    """The store cannot be opened or does not answer."""


class StoreDamaged(StoreError):
    """The file is not a store, or its content is broken."""


class StoreTooNew(StoreError):
    """The store was written by a newer version of queuectl."""

    def __init__(self, place: str, found: int, known: int) -> None:
        self.place, self.found, self.known = place, found, known
        super().__init__(
            f"store {quoted_path(place)} has schema {found}, this queuectl knows {known}: "
            "install a newer queuectl"
        )


class StoreFull(StoreError):
    """The disk or the quota of the store is full."""


class StoreBusy(StoreError):
    """Others held the store locked for longer than the store waits."""


class SupervisorLost(StoreError):
    """A supervisor was taken for dead, and others have its jobs."""

    def __init__(self, supervisor: str) -> None:
        self.supervisor = supervisor
        super().__init__(f"supervisor {supervisor} was taken for dead, and others have its jobs")


class BackupFailed(QueuectlError):
    """A backup cannot be written to its place."""

    def __init__(self, target: str, reason: str) -> None:
        self.target, self.reason = target, reason
        super().__init__(f"cannot back up to {quoted_path(target)}: {reason}")


class BackupUnusable(QueuectlError):
    """What is to be restored is no backup, or not a whole one, or made by a newer version."""

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"cannot restore {quoted_path(source)}: {reason}")


class RestoreRefused(QueuectlError):
    """A restore would destroy what is in its place, or what still lives there."""


def _either(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
