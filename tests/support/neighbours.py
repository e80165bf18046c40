"""Homes beside each other, whose supervisors soon miss each other."""

from __future__ import annotations

from queuectl.domain.job import Job
from tests.support.installation import Installation
from tests.support.waiting import until

LEASE = 1  # seconds
_LASTS_AT_FIRST = "[ $QUEUECTL_ATTEMPT -gt 1 ] || exec sleep 300"


def lasting(place: Installation) -> tuple[Job, list[int]]:
    """A job that lasts at first, and the pids of its first run."""
    job = place.queue.enqueue(_LASTS_AT_FIRST, backoff="fixed:0s", max_retries=1)
    return job, until(lambda: place.of_job(job), "the run")
