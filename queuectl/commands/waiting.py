"""The wait for the end of jobs, and what it says of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from queuectl.commands.command import Context
from queuectl.commands.presence import warn_if_nobody_works
from queuectl.commands.wording import counted
from queuectl.domain.job import Job
from queuectl.domain.lifecycle import ENDED, State
from queuectl.domain.text import visible
from queuectl.domain.timing import format_duration

TIMED_OUT = 124
_MOST_NAMED = 50


def wait_for(context: Context, job_ids: Sequence[str], timeout: float | None = None) -> int:
    """Wait for these jobs and say how they ended; the exit code."""
    queue = context.queue
    if any(queue.get(job_id).state not in ENDED for job_id in job_ids):
        warn_if_nobody_works(context)
    try:
        jobs = queue.wait(job_ids, timeout)
    except TimeoutError:
        return _report_timeout(context, job_ids, timeout or 0)
    if len(jobs) <= _MOST_NAMED:
        for job in jobs:
            context.say(_ending(job))
    else:
        for state, count in Counter(job.state for job in jobs).items():
            context.say(f"{counted(count, 'job')} {state}")
    return 0 if all(job.state is State.COMPLETED for job in jobs) else 1


def _report_timeout(context: Context, job_ids: Sequence[str], timeout: float) -> int:
    left = [job_id for job_id in job_ids if context.queue.get(job_id).state not in ENDED]
    which = ", ".join(left[:5]) + (", ..." if len(left) > 5 else "")
    context.warn(
        f"error: timed out after {format_duration(timeout)}: "
        f"{counted(len(left), 'job')} not ended ({which})"
    )
    return TIMED_OUT


def _ending(job: Job) -> str:
    reason = f": {visible(job.error)}" if job.error and job.state is not State.COMPLETED else ""
    return f"Job '{job.id}' {job.state}{reason}"
