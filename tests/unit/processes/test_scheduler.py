"""The scheduler keeps one look at the next due time, however often it is rung."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from queuectl import JobQueue

_RINGS = 300
# Prints how many jobs APScheduler has at the end of each look.
_COUNTING = """
import sys
from queuectl.processes.scheduler import Scheduler
from queuectl.queue import JobQueue

class Counting(Scheduler):
    def promote(self):
        super().promote()
        print(len(self._scheduler.get_jobs()), flush=True)

with JobQueue(sys.argv[1]) as queue:
    Counting(queue).run()
"""


def test_rings_amid_looks_leave_nothing_behind_and_each_is_followed_by_a_look(
    tmp_path: Path,
) -> None:
    with JobQueue(str(tmp_path)) as queue:
        queue.enqueue_many([{"command": "true", "delay": 3600}] * 10)
        with subprocess.Popen(
            [sys.executable, "-c", _COUNTING, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            counts = []
            for _ in range(_RINGS):
                counts.append(int(process.stdout.readline()))
                for _ in range(3):  # the second and third may come amid the look
                    process.stdin.write(b"x")
            late = queue.enqueue("true", delay=0.001)
            process.stdin.write(b"x")
            while queue.get(late.id).state == "scheduled":
                counts.append(int(process.stdout.readline()))
            process.stdin.close()
    assert process.returncode == 0
    assert max(counts) <= 3  # the look, and two that prune
