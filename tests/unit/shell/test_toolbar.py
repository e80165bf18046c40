"""The toolbar shows live counts, fits its line, and never gets in the way."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from queuectl.commands.command import Options
from queuectl.domain.lifecycle import State
from queuectl.home.folder import Home
from queuectl.queue import JobQueue
from queuectl.shell.lookout import Lookout, Sight
from queuectl.shell.toolbar import Toolbar
from tests.support.waiting import until

BUSY = Sight(dict.fromkeys(State, 12345), active=2, busy=1)


class StillLookout(Lookout):
    """Sees what the test says."""

    def __init__(self, sight: Sight | Exception) -> None:
        self.sight, self.looks = sight, 0

    def look(self) -> Sight:
        self.looks += 1
        if isinstance(self.sight, Exception):
            raise self.sight
        return self.sight

    def close(self) -> None:
        pass


@pytest.fixture
def lookout(home: Home) -> Lookout:
    return Lookout(Options(home=home.path), home)


def shown(sight: Sight | Exception, columns: int = 200) -> str:
    toolbar = Toolbar(StillLookout(sight), lambda: None)
    try:
        toolbar.resume()
        until(lambda: toolbar.text(columns), "a text")
        return toolbar.text(columns)
    finally:
        toolbar.close()


def test_it_names_workers_and_every_state_that_has_jobs() -> None:
    text = shown(Sight({State.PENDING: 3, State.DEAD: 1}, active=2, busy=1))
    assert text == " 2 workers, 1 busy | pending 3 | processing 0 | dead 1"


@pytest.mark.parametrize("columns", [*range(1, 200, 7), 80])
def test_it_never_needs_more_than_its_line(columns: int) -> None:
    assert 0 < len(shown(BUSY, columns)) <= columns


def test_a_narrow_terminal_gets_letters() -> None:
    assert shown(Sight({State.PENDING: 3}, active=2, busy=1), 30) == " W 2/1 | P 3 | R 0"


def test_what_a_person_should_know_comes_first() -> None:
    assert shown(Sight({}, problem="the store is gone")) == " the store is gone"
    assert shown(Sight({State.PENDING: 1}, problem="supervisor died")).startswith(
        " supervisor died | 0 workers"
    )


def test_an_error_of_ours_disturbs_nobody() -> None:
    assert shown(ZeroDivisionError()) == " no counts"


def test_it_is_drawn_again_only_when_something_changed() -> None:
    drawn: list[int] = []
    still = StillLookout(Sight({}))
    toolbar = Toolbar(still, lambda: drawn.append(1))
    for count in (1, 2, 3):
        toolbar.resume()
        until(lambda count=count: still.looks >= count)  # type: ignore[misc]
    toolbar.close()
    assert len(drawn) == 1


def test_it_leaves_the_store_alone_while_a_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queuectl.shell.toolbar.PERIOD", 0.001)
    still = StillLookout(Sight({}))
    toolbar = Toolbar(still, lambda: None)
    toolbar.resume()
    until(lambda: still.looks)
    toolbar.pause()
    looks = still.looks
    assert not threading.Event().wait(0.2)
    assert still.looks <= looks + 1
    toolbar.close()


def test_a_shell_that_never_asked_can_be_closed() -> None:
    Toolbar(StillLookout(Sight({})), lambda: None).close()


def test_the_lookout_follows_the_queue(lookout: Lookout, queue: JobQueue) -> None:
    assert lookout.look().jobs == dict.fromkeys(State, 0)
    queue.enqueue("true")
    assert lookout.look().jobs[State.PENDING] == 1
    lookout.close()


def test_the_lookout_makes_no_store(lookout: Lookout, home: Home) -> None:
    assert lookout.look().problem == "the store is gone"
    assert not os.path.exists(home.database)


def test_the_lookout_sees_a_store_go_and_come_again(
    lookout: Lookout, home: Home, queue: JobQueue
) -> None:
    queue.enqueue("true")
    assert lookout.look().jobs[State.PENDING] == 1
    queue.close()
    shutil.rmtree(home.path)
    assert lookout.look() == Sight({}, problem="the store is gone")
    assert not os.path.exists(home.path)
    with JobQueue(home.path) as again:
        again.enqueue_many([{"command": "true"}] * 2)
        assert lookout.look().jobs[State.PENDING] == 2
    lookout.close()


def test_the_lookout_reports_a_store_that_does_not_answer(lookout: Lookout, home: Home) -> None:
    Path(home.database).write_text("no database at all" * 100)
    assert lookout.look().problem == "the store does not answer"
