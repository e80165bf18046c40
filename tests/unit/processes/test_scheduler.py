"""What the scheduler does with the store when its triggers fire; the real process is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from queuectl.domain.timing import SECOND
from queuectl.processes.scheduler import Scheduler
from queuectl.queue import JobQueue


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JobQueue]:
    with JobQueue(str(tmp_path)) as queue:
        yield queue


def test_a_step_of_the_clock_moves_delays_once_and_named_times_not(queue: JobQueue) -> None:
    delayed = queue.enqueue("true", delay=3600)
    named = queue.enqueue("true", run_at="now+1h")
    scheduler = Scheduler(queue)
    scheduler.clock_stepped(600)
    scheduler.promote()
    scheduler.promote()
    assert queue.get(delayed.id).run_at == delayed.run_at + 600 * SECOND
    assert queue.get(named.id).run_at == named.run_at
