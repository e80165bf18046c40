"""The supervisor: claims jobs, feeds workers, records outcomes, watches its children."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from contextlib import suppress

from queuectl.domain.errors import QueuectlError, SupervisorLost
from queuectl.domain.fleet import Desired
from queuectl.home import locks, wake
from queuectl.home.notice import Notice
from queuectl.processes.supervision.logbook import open_log
from queuectl.processes.supervision.loop import Loop
from queuectl.processes.system import last_word, title
from queuectl.queue import JobQueue

log = logging.getLogger(__name__)

HELD = 3  # exit code: another supervisor holds the lock of this home


def main(arguments: list[str] | None = None) -> int:
    """Be the supervisor of the home in the environment; `HELD` if there is one already."""
    options = _parse(arguments)
    if options.ready is not None:
        _detach()
    try:
        with JobQueue() as queue:
            lock = locks.acquire(queue.home.supervisor_lock)
            if lock is None:
                _answer(options, "held")
                return HELD
            title.show("supervisor")
            open_log(queue.home.log, echo=options.foreground)
            return _serve(queue, options, Notice(lock))
    except (QueuectlError, OSError) as error:
        _answer(options, str(error))
        last_word.say(f"queuectl: error: {error}")
        return 1


def _serve(queue: JobQueue, options: argparse.Namespace, notice: Notice) -> int:
    desired = Desired.DRAIN if options.drain else Desired.RUN
    crew = [(options.count, options.slots, tuple(options.queue), desired)] if options.count else []
    try:
        while True:
            loop = Loop(queue, notice)
            loop.begin()
            with suppress(SupervisorLost):  # it is to stop already, or others have its place
                for count, slots, queues, wish in crew:
                    queue.store.want_workers(loop.me.id, count, slots, queues, wish)
            wake.ring(queue.home.wake)
            _answer(options, "")
            loop.run()
            if not loop.lost or loop.is_to_stop:
                return 0
            # Whoever took it for dead was wrong: it begins anew, with workers as before.
            crew = [(1, row.slots, row.queues, row.desired) for row in loop.crew]
    except QueuectlError:
        raise  # it says all there is to know in a line
    except Exception:
        log.exception("the supervisor failed")
        raise


def _detach() -> None:
    # Whoever started us may live long and should not have to wait for our end.
    if os.fork():
        os._exit(0)
    os.setsid()


def _answer(options: argparse.Namespace, text: str) -> None:
    if options.ready is not None:
        with suppress(OSError):
            os.write(options.ready, text.encode() + b"\n")
            os.close(options.ready)
        options.ready = None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="queuectl.processes.supervisor")
    parser.add_argument("--ready", type=int, help="descriptor to say on that it is up")
    parser.add_argument("--foreground", action="store_true")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--queue", action="append", default=[])
    parser.add_argument("--drain", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
