"""The page about the states of a job says what the code does, as a picture and as a table."""

import re
from pathlib import Path

from queuectl.domain.lifecycle import TRANSITIONS, Event, State

PAGE = Path(__file__).parents[3] / "docs" / "state-machine.md"


def test_the_table_of_the_page_is_the_table_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| `(\w+)` \| .+ \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == len(TRANSITIONS)
    assert _transitions(rows) == TRANSITIONS


def test_the_diagram_of_the_page_is_the_table_of_the_code() -> None:
    arrows = re.findall(r"^ +(\w+) --> (\w+): (\w+)$", _diagram(), re.MULTILINE)
    assert len(arrows) == len(TRANSITIONS)
    assert _transitions([(state, event, to) for state, to, event in arrows]) == TRANSITIONS


def test_the_diagram_begins_with_the_states_of_a_new_job() -> None:
    first = re.findall(r"^ +\[\*\] --> (\w+): enqueue$", _diagram(), re.MULTILINE)
    assert sorted(first) == ["blocked", "pending", "scheduled"]
    lines = [line for line in _diagram().splitlines()[1:] if line.strip()]
    assert len(lines) == len(first) + len(TRANSITIONS), "a line of the diagram is no transition"


def _diagram() -> str:
    (diagram,) = re.findall(
        r"^```mermaid\n(stateDiagram-v2\n.*?)^```$", PAGE.read_text(), re.M | re.S
    )
    return str(diagram)


def _transitions(rows: list[tuple[str, str, str]]) -> dict[tuple[State, Event], State]:
    return {(State(state), Event(event)): State(to) for state, event, to in rows}
