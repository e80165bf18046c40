"""What a person wants of new jobs: the options, and the words that say what to run."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import Any

from queuectl.commands.arguments import as_integer, completed
from queuectl.domain import strict_json
from queuectl.domain.errors import BadValue
from queuectl.domain.job import JobSpec
from queuectl.domain.spec import CHECKS, finished, overlay
from queuectl.domain.text import looks_like_json
from queuectl.queue import JobQueue

Wish = dict[str, Any]

# Options with one value, and the field that each fills.
_FIELDS = {
    "id": "id",
    "queue": "queue",
    "priority": "priority",
    "max_retries": "max_retries",
    "delay": "delay",
    "at": "run_at",
    "timeout": "timeout",
    "backoff": "backoff",
}
_INTEGERS = {"priority", "max_retries"}


def add_job_options(parser: ArgumentParser) -> None:
    """The options that fill fields of a job."""
    add = parser.add_argument
    add("--id", metavar="ID", help="name of the job (default: generated)")
    completed(add("--queue", metavar="QUEUE", help="lane of the job"), "queue")
    add("--priority", metavar="N", help="higher runs first (default: 0)")
    add("--max-retries", metavar="N", help="retries after the first attempt")
    add("--delay", metavar="D", help="first run after this duration")
    add("--at", metavar="T", help="first run at this time (ISO 8601, HH:MM, now+DURATION)")
    add("--timeout", metavar="D", help="longest run time of an attempt, or none")
    add(
        "--backoff",
        metavar="B",
        help="waits before retries: fixed:5s, linear:5s, list:1s,5s or exponential:2",
    )
    completed(add("--tag", action="append", metavar="TAG", help="tag (may be repeated)"), "tag")
    add("--env", action="append", metavar="K=V", help="environment variable (may be repeated)")
    add("--env-from-here", action="store_true", help="keep the environment of this command")
    completed(add("--cwd", metavar="DIR", help="working directory (default: here)"), "file")


def options_of(args: Namespace) -> Wish:
    """The fields that the options of `add_job_options` fill."""
    wish: Wish = {}
    for option, field in _FIELDS.items():
        text = getattr(args, option)
        if text is not None:
            wish[field] = as_integer(text) if field in _INTEGERS else text
    if args.tag:
        wish["tags"] = args.tag
    if args.env:
        wish["env"] = dict(map(_variable, args.env))
    if args.cwd is not None:
        wish["cwd"] = args.cwd and os.path.abspath(args.cwd)
    return wish


def wish_of(words: list[str]) -> Any:
    """What the words of a job ask for: a program, JSON, or a shell line."""
    if words[0] == "--":
        return {"args": words[1:]}
    if len(words) > 1:
        return {"args": words}
    if looks_like_json(words[0]):
        return strict_json.loads(words[0])
    return {"command": words[0]}


def was_json(words: list[str]) -> bool:
    """Whether the words are what bash makes of `{"id":"a","command":"b"}` without quotes."""
    return len(words) > 1 and all(word.partition(":")[0] in CHECKS for word in words)


class Checker:
    """Turns wishes into checked specs: options win over the fields of a wish, and it over defaults.

    Raises `InvalidInput`, at once where an option is wrong.
    """

    def __init__(self, queue: JobQueue, args: Namespace) -> None:
        self._now = queue.store.now()
        self._options = options_of(args)
        self._default = _checked(queue.default_spec())
        if args.env_from_here:
            self._default = self._default._replace(env=_environment(self._default))
        self._folders = {self._default.cwd}
        self._check_folder(overlay(self._options, self._default, self._now).cwd)

    def __call__(self, wish: object) -> JobSpec:
        """The spec that a JSON object asks for."""
        spec = overlay(wish, self._default, self._now)
        if self._options:
            spec = overlay(self._options, spec, self._now)
        if spec.cwd not in self._folders:
            self._check_folder(spec.cwd)
        return finished(spec)

    def _check_folder(self, path: str | None) -> None:
        if path not in self._folders and not os.path.isdir(path or "/"):
            raise BadValue("cwd", path, "an existing folder")
        self._folders.add(path)


def _checked(default: JobSpec) -> JobSpec:
    # The name of a folder need not be UTF-8, but what is stored has to be.
    return overlay({"cwd": default.cwd}, default, 0)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadValue("--env", text, "NAME=VALUE")
    return name, value


def _environment(default: JobSpec) -> dict[str, str] | None:
    # What the queue itself sets for a job is no part of a person's environment.
    mine = {name: text for name, text in os.environ.items() if not name.startswith("QUEUECTL_")}
    return overlay({"env": mine}, default, 0).env
