"""Errors are one line that a person can act on, each with an exit code."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain import errors
from queuectl.domain.errors import (
    BadLine,
    BadValue,
    HomeUnusable,
    IdTaken,
    InvalidInput,
    NoSuchAttempt,
    NoSuchJob,
    NoSuchWorker,
    QueuectlError,
    StoreError,
    StoreTooNew,
    UnknownName,
    WrongState,
)
from queuectl.domain.lifecycle import State

HOSTILE = "a\x1b[31m\n\u202eb\ud800\x00"
anything = st.text(st.characters(exclude_categories=()))


def every_error_about(text: str) -> Iterator[QueuectlError]:
    yield BadValue(text, text, text)
    yield UnknownName(text, text, ["id", "queue"])
    yield BadLine("line", 3, BadValue("id", text, "free"))
    yield NoSuchJob(text)
    yield NoSuchAttempt(text, 2, 1)
    yield WrongState(text, "completed", "cancel", ["pending"])
    yield IdTaken(text)
    yield NoSuchWorker(text, [text])
    yield HomeUnusable(text, text)
    yield StoreError(text)
    yield StoreTooNew(text, 2, 1)


@given(anything)
def test_a_message_is_one_line_without_raw_controls(
    is_harmless: Callable[[str], bool], text: str
) -> None:
    for error in every_error_about(text):
        assert is_harmless(str(error)), repr(error)


def test_a_hostile_text_is_spelled_out() -> None:
    assert str(NoSuchJob(HOSTILE)) == r"no such job: 'a\e[31m\n\u202eb\ud800\0'"
    assert str(HomeUnusable("/x", "a\nb")) == r"cannot use home '/x': a\nb"


def test_invalid_input_exits_2_and_what_is_not_possible_exits_1() -> None:
    for error in every_error_about("x"):
        assert error.exit_code == (2 if isinstance(error, InvalidInput) else 1)


def test_every_error_comes_from_one_base() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    ours = [known for known in classes if issubclass(known, Exception)]
    assert len(ours) > 10
    assert all(issubclass(known, QueuectlError) and known.__doc__ for known in ours)


def test_a_bad_line_names_its_place_and_exits_like_its_cause() -> None:
    invalid = BadLine("line", 7, BadValue("priority", "x", "an integer"))
    assert str(invalid) == "line 7: priority: 'x' is not an integer"
    assert invalid.exit_code == 2
    assert BadLine("element", 2, IdTaken("a")).exit_code == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "'text'"),
        ("", "''"),
        (5, "'5'"),
        (1.5, "'1.5'"),
        (True, "'true'"),
        (False, "'false'"),
        (None, "'null'"),
        (float("nan"), "'nan'"),
        ([1, "a"], "'[1, 'a']'"),
    ],
)
def test_a_bad_value_is_shown_as_it_was_written(value: object, shown: str) -> None:
    assert str(BadValue("field", value, "right")) == f"field: {shown} is not right"


def test_a_long_value_is_cut() -> None:
    assert str(NoSuchJob("x" * 80)) == "no such job: '" + "x" * 80 + "'"
    assert str(NoSuchJob("x" * 81)) == "no such job: '" + "x" * 77 + "...'"
    assert str(NoSuchJob("\x1b" * 10**6)) == "no such job: '" + (r"\e" * 39)[:77] + "...'"


def test_a_value_that_python_cannot_write_is_described() -> None:
    nest: list[object] = []
    for _ in range(100_000):
        nest = [nest]
    assert "list that is too large" in str(BadValue("field", nest, "right"))
    assert "int that is too large" in str(BadValue("field", 10**5000, "right"))
    while nest:  # taken apart by hand, for the interpreter does it recursively
        (nest,) = nest  # type: ignore[assignment]


@pytest.mark.parametrize("name", ["prioritty", "PRIORITY", "priorty", " priority"])
def test_an_unknown_name_is_answered_with_the_nearest_known_one(name: str) -> None:
    error = UnknownName("field", name, ["id", "priority", "queue"])
    assert str(error) == f"unknown field '{name}': did you mean 'priority'?"


def test_an_unknown_name_like_no_other_is_answered_with_all_known_ones() -> None:
    assert str(UnknownName("field", "zzz", ["id", "queue"])) == (
        "unknown field 'zzz': known: id, queue"
    )


def test_the_nearest_name_is_plain_also_where_names_are_members_of_an_enumeration() -> None:
    assert str(UnknownName("state", "pendng", State)) == (
        "unknown state 'pendng': did you mean 'pending'?"
    )


def test_a_wrong_state_says_which_ones_would_be_right() -> None:
    one = WrongState("a", "dead", "cancel", ["pending"])
    assert str(one) == "cannot cancel job 'a': it is dead, not pending"
    several = WrongState("a", "dead", "cancel", ["pending", "failed", "blocked"])
    assert str(several) == "cannot cancel job 'a': it is dead, not pending, failed or blocked"


def test_a_missing_attempt_says_which_there_are() -> None:
    assert str(NoSuchAttempt("a", 3, 2)) == "job 'a' has no attempt 3: its attempts are 1 to 2"
    assert str(NoSuchAttempt("a", 1, 0)) == "job 'a' has no attempt 1: it has not run yet"


def test_a_missing_worker_says_which_there_are() -> None:
    assert str(NoSuchWorker("w", ["v1", "v2"])) == "no such worker: 'w' (workers: v1, v2)"
    assert str(NoSuchWorker("w", [])) == "no such worker: 'w' (workers: none is running)"
