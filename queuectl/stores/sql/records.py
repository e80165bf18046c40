"""How the values of the domain stand in columns."""

from __future__ import annotations

import json
from functools import lru_cache

from queuectl.domain.job import Job, Run
from queuectl.domain.lifecycle import BY_LETTER, End
from queuectl.domain.retry import Backoff, Strategy
from queuectl.stores.sql.session import Row

JOB_COLUMNS = """
    row, name, state, command, args, queue, priority, max_retries, retries, attempts, lease,
    run_at, timeout, backoff, env, cwd, tags, created_at, started_at, finished_at, exit_code,
    signal, error, worker, host, cancel_requested,
    (SELECT seconds FROM runs WHERE job = jobs.row ORDER BY lease DESC LIMIT 1)
"""
RUN_COLUMNS = """
    job, lease, number, worker, host, pid, pid_started, started_at, ended_at, ending, exit_code,
    signal, error, output, seconds
"""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dumped(value: list[str] | tuple[str, ...] | dict[str, str]) -> str:
    """The JSON text of words or variables."""
    return _encode(value)


@lru_cache(maxsize=256)
def dumped_once(value: tuple[object, ...]) -> str:
    """The same, for tags and policies, of which there are few."""
    return _encode(value)


def dumped_words(text: str) -> str:
    """How `text` stands within a word of a JSON list."""
    return _encode(text)[1:-1]


def words(text: str | None) -> tuple[str, ...] | None:
    """The words of a JSON list."""
    return None if text is None else tuple(json.loads(text))


def variables(text: str | None) -> dict[str, str] | None:
    """The mapping that a JSON object is."""
    return None if text is None else json.loads(text)


@lru_cache(maxsize=256)
def loaded_backoff(text: str) -> Backoff:
    """The policy whose fields stand in a JSON list, in their order."""
    strategy, base, delay, delays, most, jitter = json.loads(text)
    return Backoff(Strategy(strategy), base, delay, tuple(delays), most, jitter)


def id_of(row: int, name: str | None) -> str:
    """The id of the job in `row`: its name, or one made of the row."""
    return f"j{row}" if name is None else name


def row_of(job_id: str) -> int | None:
    """The row that a generated id names, or None for any other id."""
    digits = job_id[1:]
    if job_id[:1] != "j" or not digits.isdecimal() or len(digits) > 18:
        return None
    row = int(digits)
    return row if f"j{row}" == job_id else None


def job_from(record: Row) -> Job:
    """The job that `JOB_COLUMNS` describe."""
    row, name, letter, command, args, *middle, backoff, env, cwd, tags = record[:17]
    return Job._make(
        (
            row,
            id_of(row, name),
            BY_LETTER[letter],
            command,
            words(args),
            *middle,
            loaded_backoff(backoff),
            variables(env),
            cwd,
            words(tags) or (),
            *record[17:25],
            bool(record[25]),
            record[26],
        )
    )


def run_from(record: Row) -> Run:
    """The attempt that `RUN_COLUMNS` describe."""
    *start, ending, exit_code, signal, error, output, seconds = record
    end = None if ending is None else End(ending)
    return Run._make((*start, end, exit_code, signal, error, output, seconds))
