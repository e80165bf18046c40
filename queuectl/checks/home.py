"""A throw-away home: driven by commands as a person drives one, and removed with all that lived."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from queuectl.checks import survivors
from queuectl.checks.expectation import Abandoned, CheckFailed, expect_same
from queuectl.domain.lifecycle import ENDED

Found = TypeVar("Found")

_SLICE = 0.05  # seconds between two looks whether a command is still wanted
_LOOK_EVERY = 0.03
_STOP_LIMIT = 20.0


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class ThrowAwayHome:
    """A home with a folder to work in; nothing of the person's own queue is reached from it.

    All that a check does here has to be done within `limit` seconds; `abandoned` ends it sooner.
    As a context manager it ends what lives and removes all; raises `CheckFailed` where something
    did not end by `worker stop --now`.
    """

    def __init__(self, limit: float, abandoned: threading.Event) -> None:
        self._limit, self._abandoned = limit, abandoned
        self._deadline = time.monotonic() + limit

    def __enter__(self) -> Self:
        # Resolved: by this name the processes of the home are found.
        self._base = Path(tempfile.mkdtemp(prefix="queuectl-check-")).resolve()
        self.path, self.folder = self._base / "home", self._base / "work"
        self.folder.mkdir()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            left = self._end_all()
        finally:
            shutil.rmtree(self._base, ignore_errors=True)
        if left and error is None:
            raise CheckFailed(f"alive after worker stop --now: {'; '.join(left)}")

    # -- what a person does -------------------------------------------------------------------

    def argv(self, *words: str) -> list[str]:
        """The command line of queuectl for this home."""
        # -P: the working directory must not provide the modules.
        return [sys.executable, "-P", "-m", "queuectl", "--home", str(self.path), *words]

    def run(self, *words: str, stdin: str = "", code: int | None = 0) -> Answer:
        """Run a command; raises `CheckFailed` unless it exits with `code` (None: with any)."""
        answer = self.run_program(self.argv(*words), stdin, name=" ".join(words) or "queuectl")
        if code is not None and answer.code != code:
            said = " ".join((answer.err or answer.out).split())
            name = " ".join(words) or "queuectl"
            raise CheckFailed(f"`{name}` exited {answer.code} instead of {code}: {said[:300]}")
        return answer

    def read(self, *words: str, stdin: str = "") -> Any:
        """Run a command with `--format json`; what it printed."""
        out = self.run(*words, "--format", "json", stdin=stdin).out
        try:
            return json.loads(out)
        except ValueError:
            raise CheckFailed(f"`{' '.join(words)}` printed no JSON: {out[:200]!r}") from None

    def enqueue(self, *wishes: Mapping[str, Any]) -> list[str]:
        """Add jobs in one batch; their ids."""
        lines = "".join(json.dumps(wish) + "\n" for wish in wishes)
        return self.run("enqueue", "-", "--format", "ids", stdin=lines).out.split()

    def start(self, count: int = 1, slots: int = 1) -> None:
        """Start workers in the background."""
        self.run("worker", "start", "--count", str(count), "--slots", str(slots))

    def drain(self, count: int = 1, slots: int = 1) -> None:
        """Run all that waits, and end the workers."""
        self.run("worker", "start", "--count", str(count), "--slots", str(slots), "--drain")

    def job(self, job_id: str) -> dict[str, Any]:
        """Everything about a job."""
        job: dict[str, Any] = self.read("show", job_id)
        return job

    def expect_state(self, job_id: str, state: str) -> dict[str, Any]:
        """The job, which has to be in `state`."""
        job = self.job(job_id)
        expect_same(f"state of {job_id}", job["state"], state)
        return job

    # -- what a check needs besides -----------------------------------------------------------

    def run_program(
        self, argv: Sequence[str], stdin: str = "", *, name: str | None = None
    ) -> Answer:
        """Run any program in the folder, with the environment of a person without a queue."""
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=plain_environment(),
            encoding="utf-8",
            errors="replace",
            # Ctrl-C is for us: the commands that clean up are not to die of it.
            process_group=0,
        )
        with process:
            try:
                return self._answer(process, stdin, name or argv[0])
            except BaseException:
                process.kill()
                raise

    def until(self, what: str, condition: Callable[[], Found]) -> Found:
        """The first true answer of `condition`; raises `CheckFailed` at the end of the time."""
        while not (found := condition()):
            self.go_on(what)
            time.sleep(_LOOK_EVERY)
        return found

    def until_state(self, job_id: str, state: str) -> dict[str, Any]:
        """The job, once it is in `state`; raises `CheckFailed` once it can no longer get there."""

        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            if job["state"] in ENDED:
                expect_same(f"state of {job_id}", job["state"], state)
            return job if job["state"] == state else None

        return self.until(f"{job_id} {state}", look) or {}

    def lines(self, name: str) -> list[str]:
        """The lines of a file in the folder, none where there is no such file."""
        try:
            return (self.folder / name).read_text().splitlines()
        except FileNotFoundError:
            return []

    def go_on(self, what: str) -> None:
        """Raise `CheckFailed` at the end of the time, `Abandoned` where nobody waits."""
        if self._abandoned.is_set():
            raise Abandoned
        if time.monotonic() > self._deadline:
            raise CheckFailed(f"gave up after {self._limit:g} s: waiting for {what}")

    def _answer(self, process: subprocess.Popen[str], stdin: str, name: str) -> Answer:
        unsent: str | None = stdin
        while True:
            try:
                out, err = process.communicate(unsent, timeout=_SLICE)
            except subprocess.TimeoutExpired:
                unsent = None  # it goes on with what it has
                self.go_on(f"the end of `{name}`")
            else:
                return Answer(process.returncode, out, err)

    def _end_all(self) -> list[str]:
        """End what lives in the home; what had to be killed."""
        if not self.path.exists():
            return []
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                self.argv("worker", "stop", "--now"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=self.folder,
                env=plain_environment(),
                timeout=_STOP_LIMIT,
                process_group=0,
                check=False,
            )
        return survivors.end(str(self.path))


def plain_environment() -> dict[str, str]:
    """The environment without what points to the person's own queue, or to a job of it."""
    return {name: text for name, text in os.environ.items() if not name.startswith("QUEUECTL_")}
