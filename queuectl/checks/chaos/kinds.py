"""The jobs of a storm: what they do, and how they write down that they did."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

# Append-only lines of a file of the job's own; the lock is held by whatever lives of a run.
_BEGIN = """\
marks="$WITNESS/$QUEUECTL_JOB_ID.marks"
mark() { echo "$1 $QUEUECTL_LEASE" >> "$marks"; }
exec 9>> "$WITNESS/$QUEUECTL_JOB_ID.lock"
! command -v flock > /dev/null || flock -n 9
[ $? -ne 1 ] || mark met  # another code means that it was killed itself
mark start
"""
_END = "\nmark end\n"
_MANY = 1_000  # retries: more than a storm can use up


class Kind(NamedTuple):
    """A kind of job: its shell lines, how often it comes, and its options."""

    name: str
    weight: int
    body: str
    options: Mapping[str, Any] = {}


KINDS = (
    Kind("quick", 12, ""),
    Kind("slow", 4, "sleep {pause:.2f}"),
    Kind("failing", 2, "echo no use >&2; exit 3", {"max_retries": 2}),
    Kind("flaky", 2, "[ $QUEUECTL_ATTEMPT -ge 2 ] || exit 4"),
    Kind("poison", 1, "kill -9 $PPID; sleep {pause:.2f}", {"max_retries": 1}),
    Kind("suicidal", 1, "kill -9 $$", {"max_retries": 1}),
    Kind(
        "forking",
        2,
        "(setsid sh -c 'while :; do echo alive $QUEUECTL_LEASE >> \"$0\"; sleep 0.05; done' "
        '"$marks" &)\nsleep {pause:.2f}',
    ),
    Kind("stubborn", 1, "trap '' TERM; sleep 5", {"max_retries": 1, "timeout": 0.3}),
    Kind("chatty", 1, "head -c 300000 /dev/zero | tr '\\0' 'x'; echo the end >&2"),
    Kind("later", 1, "", {"delay": 0.5}),
)
_BY_NAME = {kind.name: kind for kind in KINDS}


def draw(chance: random.Random) -> Kind:
    """A kind, by weight."""
    (kind,) = chance.choices(KINDS, [kind.weight for kind in KINDS])
    return kind


def job(kind: Kind, number: int, witness: Path, chance: random.Random) -> dict[str, Any]:
    """What to enqueue for the job `number` of a storm."""
    body = kind.body.format(pause=chance.uniform(0.05, 0.8))
    return {
        "id": f"{kind.name}-{number}",
        "command": _BEGIN + body + _END,
        "env": {"WITNESS": str(witness)},
        "max_retries": _MANY,
        "backoff": "fixed:0.05s",
        "priority": chance.randrange(3),
        "queue": chance.choice(("default", "default", "side")),
        **kind.options,
    }
