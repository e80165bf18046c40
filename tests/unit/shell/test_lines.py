"""One line of the shell: what reaches the command, where its output goes, how it ends."""

from pathlib import Path

import pytest

from queuectl.queue import JobQueue
from tests.support.shell_harness import Harness


def commands(queue: JobQueue) -> list[str | None]:
    return [job.command for job in queue.list()]


def test_json_is_stored_exactly_as_written(shell: Harness, queue: JobQueue) -> None:
    said = shell.run('enqueue {"command":"a | b > c; d && e"}')
    assert (said.status, said.out) == (0, "Enqueued job 'j1' (pending)\n")
    assert commands(queue) == ["a | b > c; d && e"]


@pytest.mark.parametrize(
    "tail", ["| cat", "|cat", "| cat | grep .", "--format table | cat", "--format table|cat"]
)
def test_what_follows_the_json_is_of_the_shell(shell: Harness, queue: JobQueue, tail: str) -> None:
    said = shell.run(f'enqueue --queue q {{"command":"a | b"}} {tail}')
    assert (said.status, said.out) == (0, "Enqueued job 'j1' (pending)\n")
    assert commands(queue) == ["a | b"]


def test_options_may_follow_the_json(shell: Harness, queue: JobQueue) -> None:
    shell.run('enqueue {"command":"x"} --priority 7')
    assert queue.get("j1").priority == 7


def test_a_quoted_word_is_a_line_of_sh_and_several_words_are_a_program(
    shell: Harness, queue: JobQueue
) -> None:
    shell.run("enqueue 'a | b > c'", "enqueue a 'b  c' \\$d", "enqueue -- a '|' b")
    jobs = {job.id: (job.command, job.args) for job in queue.list()}
    assert jobs == {
        "j1": ("a | b > c", None),
        "j2": (None, ("a", "b  c", "$d")),
        "j3": (None, ("a", "|", "b")),
    }


def test_an_operator_among_the_words_is_kept_and_pointed_out(
    shell: Harness, queue: JobQueue
) -> None:
    said = shell.run("enqueue a && b")
    assert said.status == 0
    assert "'&&' goes to the program as it is" in said.err
    assert queue.get("j1").args == ("a", "&&", "b")


def test_output_goes_into_a_file_and_behind_it(
    shell: Harness, tmp_path: Path, queue: JobQueue
) -> None:
    file = tmp_path / "a file"
    assert shell.run(f"list --format ids > '{file}'", "enqueue x") == (
        0,
        "Enqueued job 'j1' (pending)\n",
        "",
    )
    assert file.read_text() == ""
    shell.run(f"list --format ids >> '{file}'", f"list --format ids >>'{file}'")
    assert file.read_text() == "j1\nj1\n"
    shell.run(f"list --format ids>'{file}'")
    assert file.read_text() == "j1\n"


def test_output_in_a_file_or_a_pipe_is_plain(shell: Harness, tmp_path: Path) -> None:
    long = "x" * 300
    shell.run(f"enqueue {long}", f"list > {tmp_path}/out")
    text = (tmp_path / "out").read_text()
    assert long in text
    assert "\x1b" not in text
    assert shell.run("list | cat").out == text


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("list | cat >/dev/null", 0),
        ("status | grep -q pending", 0),
        ("list | true", 0),
        ("list | grep -q nothing", 1),
        ("list | sh -c 'exit 7'", 7),
        ("show nope | cat", 1),
        ("list --nope | cat", 2),
        ("list | kill -TERM $$", 143),
        ("list | no-such-program", 127),
        ("!true", 0),
        ("!exit 3", 3),
        ("shell exit 4", 4),
    ],
)
def test_a_pipe_fails_where_one_of_its_ends_does(shell: Harness, line: str, status: int) -> None:
    assert shell.run(line).status == status


def test_a_program_that_stops_reading_is_no_error(shell: Harness, queue: JobQueue) -> None:
    queue.enqueue_many([{"command": "x" * 1000}] * 2000)
    said = shell.run("list --format jsonl | head -c 1")
    assert said == (0, "{", "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lst", "unknown command 'lst': did you mean 'list'?"),
        ("list >", "a file name is missing after '>'"),
        ("list > a b", "only a file name can follow '>', not also 'b'"),
        ("list |", "a command is missing after '|'"),
        ("| cat", "a command is missing before '|'"),
        ("list || true", "'||' means nothing here"),
        ("list >& x", "'>&' means nothing here"),
        ("list 2>x", "only the standard output can be redirected"),
        ("list 'x", "a quote is not closed"),
        ('enqueue {"command":nope}', "invalid JSON"),
        ('enqueue {"command":"x"}junk', "something follows the value"),
        ('enqueue {"comand":"x"}', "did you mean 'command'?"),
        ("list --stat pending", "did you mean '--state'?"),
        ("worker strt", "did you mean 'start'?"),
        ("set errexit maybe", "errexit"),
        ("set no_such true", "no_such"),
        ("help nope", "unknown command 'nope'"),
        ("!", "a line to run is missing"),
        ("alias delete nope", "nope"),
    ],
)
def test_a_wrong_line_is_one_line_on_stderr_and_2(
    shell: Harness, queue: JobQueue, line: str, message: str
) -> None:
    said = shell.run(line)
    first, *rest = said.err.splitlines()
    assert said.status == 2
    assert first.startswith("queuectl: error: ")
    assert message in first
    assert not rest or rest[0].startswith("usage: ")
    assert said.out == ""
    assert commands(queue) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("show nope", "no such job: 'nope'"),
        ("list > /nope/x", "cannot write '/nope/x': No such file or directory"),
        ("list > /", "cannot write '/': Is a directory"),
        ("list --format json > /dev/full", "cannot write '/dev/full': No space left on device"),
    ],
)
def test_what_is_not_possible_is_one_line_on_stderr_and_1(
    shell: Harness, line: str, message: str
) -> None:
    assert shell.run(line) == (1, "", f"queuectl: error: {message}\n")


@pytest.mark.parametrize("line", ["", "   ", "# list", "  # list --nope"])
def test_blank_lines_and_comments_do_nothing(shell: Harness, line: str) -> None:
    assert shell.run(line) == (0, "", "")


def test_a_failure_is_forgotten_by_the_next_line(shell: Harness) -> None:
    assert shell.run("lst").status == 2
    assert shell.run("list").status == 0
    assert shell.run("show nope").status == 1
    assert shell.run("").status == 0


def test_help_is_asked_for_in_every_way(shell: Harness) -> None:
    for line in ("help list", "list --help", "list -h", "? list"):
        said = shell.run(line)
        assert (said.status, said.err) == (0, "")
        assert "--state" in said.out
    assert "start" in shell.run("help worker start").out
    assert "--count" in shell.run("help worker start").out


def test_the_overview_names_every_visible_command(shell: Harness) -> None:
    text = shell.run("help").out
    missing = [name for name in shell.shell.get_visible_commands() if f"\n  {name} " not in text]
    assert not missing


def test_what_makes_no_sense_here_is_not_there(shell: Harness) -> None:
    assert not {"py", "ipy", "edit", "shortcuts", "run_pyscript"} & set(
        shell.shell.get_all_commands()
    )


def test_exit_and_quit_end_the_shell(shell: Harness) -> None:
    for word in ("exit", "quit"):
        shell.run(word)
        assert shell.stopped


def test_banner_and_clear_need_no_terminal(shell: Harness) -> None:
    assert "queuectl" in shell.run("banner").out
    assert shell.run("clear").out == ""
