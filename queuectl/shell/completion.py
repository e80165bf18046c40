"""What the Tab key offers for the words that a grammar marks with `completes`."""

from __future__ import annotations

import os
import time
from argparse import Action
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

from cmd2 import Choices, CompletionItem, Completions
from cmd2.exceptions import CompletionError

from queuectl.commands.grammar import StrictParser, all_parsers
from queuectl.domain.errors import QueuectlError
from queuectl.domain.job import Job
from queuectl.domain.lifecycle import State
from queuectl.domain.selection import Selection
from queuectl.domain.settings import SETTINGS
from queuectl.domain.text import looks_like_json, visible
from queuectl.queue import JobQueue

if TYPE_CHECKING:
    from queuectl.shell.shell import Shell

MOST_JOBS = 200
# However many jobs there are, Tab answers about this fast (seconds).
LOOK_AT_MOST = 0.15

Tokens = Mapping[str, Sequence[str]]
Completer = Callable[..., Completions]
Offers = Callable[[JobQueue, str], Iterable[CompletionItem]]


def attach_completers(parser: StrictParser) -> None:
    """Give each marked action of the parser, and of those nested in it, what completes it."""
    for one in all_parsers(parser):
        for action in one._actions:
            kind = getattr(action, "completes", None)
            if kind is not None and action.choices is None:
                _attach(action, kind)


def _attach(action: Any, kind: str) -> None:
    # These setters are what cmd2 adds to argparse's actions.
    action.set_suppress_tab_hint(True)
    match kind:
        case "file":
            action.set_completer(_complete_file)
            _expand_home(action)
        case "command":
            action.set_completer(_program_completer(action.dest))
        case _ if kind in _FIXED:
            action.set_choices_provider(_fixed(_FIXED[kind]))
        case _ if kind in LIVE:
            action.set_completer(_live_completer(LIVE[kind], action.dest))


def _expand_home(action: Action) -> None:
    # In a one-shot command sh has done this.
    convert = action.type
    if callable(convert):
        action.type = lambda text: convert(os.path.expanduser(text))
    else:
        action.type = os.path.expanduser


def _complete_file(shell: Shell, text: str, line: str, begin: int, end: int) -> Completions:
    return shell.path_complete(text, line, begin, end)


def _program_completer(dest: str) -> Completer:
    def complete(
        shell: Shell, text: str, line: str, begin: int, end: int, *, arg_tokens: Tokens
    ) -> Completions:
        words = arg_tokens.get(dest, ())
        if words[:1] and looks_like_json(words[0]):
            return Completions()
        complete = shell.shell_cmd_complete if len(words) <= 1 else shell.path_complete
        return complete(text, line, begin, end)

    return complete


def _fixed(items: list[CompletionItem]) -> Callable[[Shell], Choices]:
    return lambda shell: Choices(items, is_sorted=True)


def _live_completer(offers: Offers, dest: str) -> Completer:
    def complete(
        shell: Shell, text: str, line: str, begin: int, end: int, *, arg_tokens: Tokens
    ) -> Completions:
        given = arg_tokens.get(dest, ())[:-1]
        try:
            # A connection of its own: this runs in a thread, beside the toolbar's.
            with closing(JobQueue(shell.options.home, shell.options.store)) as queue:
                items = [
                    item
                    for item in offers(queue, text)
                    if item.text.startswith(text) and item.text not in given
                ]
        except (QueuectlError, OSError) as error:
            raise CompletionError(str(error)) from None
        return Completions(items, is_sorted=True)

    return complete


def _jobs(*states: State) -> Offers:
    """The newest jobs first, with what they run."""

    def offer(queue: JobQueue, prefix: str) -> Iterator[CompletionItem]:
        newest = _newest(queue.find(Selection(states=states)), prefix)
        for job in islice(newest, MOST_JOBS):
            yield CompletionItem(job.id, display_meta=f"{job.state}: {_what(job)}")

    return offer


def _newest(jobs: Iterable[Job], prefix: str) -> Iterator[Job]:
    until = time.monotonic() + LOOK_AT_MOST
    for job in jobs:
        if job.id.startswith(prefix):
            yield job
        elif time.monotonic() > until:
            return


def _what(job: Job) -> str:
    return visible(job.command or " ".join(job.args or ()))[:60]


def _queues(queue: JobQueue, prefix: str) -> Iterator[CompletionItem]:
    names = {name for name, _ in queue.store.tallies()} | {"default"}
    return map(CompletionItem, sorted(names))


def _tags(queue: JobQueue, prefix: str) -> Iterator[CompletionItem]:
    newest = islice(queue.find(Selection()), MOST_JOBS)
    return map(CompletionItem, sorted({tag for job in newest for tag in job.tags}))


def _workers(queue: JobQueue, prefix: str) -> Iterator[CompletionItem]:
    return (
        CompletionItem(worker.id, display_meta=f"{worker.status}, PID {worker.pid}")
        for worker in queue.workers()
    )


_FIXED: dict[str, list[CompletionItem]] = {
    "state": [CompletionItem(str(state)) for state in State],
    "setting": [
        CompletionItem(setting.key, display_meta=setting.meaning) for setting in SETTINGS.values()
    ],
}
# What is looked up in the store, by what an action of a grammar says that completes it.
LIVE: dict[str, Offers] = {
    "job": _jobs(),
    "dead job": _jobs(State.DEAD),
    "queue": _queues,
    "tag": _tags,
    "worker": _workers,
}
