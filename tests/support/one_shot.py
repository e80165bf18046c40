"""One-shot commands as a person or a script runs them, in a home of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class OneShot:
    """Runs `python -m queuectl --home HOME WORD…` and looks at the home from inside."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.argv = [sys.executable, "-P", "-m", "queuectl", "--home", str(home)]

    def __call__(self, *words: str | bytes, **options: Any) -> Done:
        """Run a command that is to succeed."""
        done = self.attempt(*words, **options)
        assert done.code == 0, done.err
        return done

    def attempt(
        self,
        *words: str | bytes,
        stdin: str | bytes | None = None,
        env: dict[str, str] | None = None,
        cwd: Path | bytes | None = None,
    ) -> Done:
        """Run a command, however it ends."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [*self.argv, *words],
            capture_output=True,
            check=False,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=b"" if data is None else data,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def refused(self, code: int, *words: str | bytes, **options: Any) -> str:
        """Run a command that is to fail with this code and one error line; that line."""
        done = self.attempt(*words, **options)
        assert (done.code, done.out) == (code, ""), done
        first, *rest = done.err.splitlines()
        assert first.startswith("queuectl: error: ")
        assert not rest or (len(rest) == 1 and rest[0].startswith("usage: ")), done.err
        return first.removeprefix("queuectl: error: ")

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, oldest first, as `list --format json` prints them."""
        jobs: list[dict[str, Any]] = self("list", "--sort", "created", "--format", "json").json
        return jobs
