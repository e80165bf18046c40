"""Scripts and pipes: every line is run, failures are placed, and nothing goes on for ever."""

import os
from pathlib import Path

import pytest

from queuectl.queue import JobQueue
from queuectl.shell.scripts import MOST_NESTED, whole_lines
from tests.support.shell_harness import Harness


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def test_a_script_runs_its_lines_and_skips_comments(shell: Harness, folder: Path) -> None:
    write(
        folder, "s", "# comment", "", "enqueue a", "   # another", "enqueue b", "list | grep -c P"
    )
    said = shell.run("run_script s")
    assert said == (0, "Enqueued job 'j1' (pending)\nEnqueued job 'j2' (pending)\n3\n", "")


def test_a_failure_is_placed_and_the_script_goes_on(shell: Harness, folder: Path) -> None:
    write(folder, "s", "enqueue a", "show nope", "lst", "enqueue b")
    said = shell.run("run_script s")
    assert said.status == 1
    assert said.err.splitlines() == [
        "queuectl: error: s line 2: no such job: 'nope'",
        "queuectl: error: s line 3: unknown command 'lst': did you mean 'list'?",
    ]
    assert said.out.count("Enqueued") == 2


@pytest.mark.parametrize(
    "line", ["lst", "show nope", "list --nope", "list >", "list 'x", "list | false", "!false",
             "enqueue {nope}", "list > /nope/x", "set errexit maybe", "alias delete nope",
             "macro create m {2}", "run_script nope"]
)  # fmt: skip
def test_errexit_ends_a_script_at_every_kind_of_failure(
    shell: Harness, folder: Path, line: str
) -> None:
    write(folder, "s", "set errexit true", line, "enqueue after")
    said = shell.run("run_script s")
    assert said.status == 1
    assert "Enqueued" not in said.out
    assert "s line 2" in said.err


def test_a_failure_that_says_nothing_is_placed_too(shell: Harness, folder: Path) -> None:
    write(folder, "s", "list | sh -c 'exit 7'")
    assert shell.run("run_script s").err == "queuectl: s line 1: exit code 7\n"


def test_errexit_of_a_script_ends_with_it(shell: Harness, folder: Path) -> None:
    write(folder, "inner", "set errexit true", "lst", "enqueue never")
    write(folder, "outer", "run_script inner", "enqueue after")
    said = shell.run("run_script outer")
    assert (said.status, said.out) == (1, "Enqueued job 'j1' (pending)\n")


def test_errexit_holds_in_nested_scripts(shell: Harness, folder: Path) -> None:
    write(folder, "inner", "lst", "enqueue never")
    write(folder, "outer", "set errexit true", "run_script inner", "enqueue never")
    said = shell.run("run_script outer")
    assert (said.status, said.out) == (1, "")


def test_a_nested_name_is_looked_for_beside_the_script(shell: Harness, folder: Path) -> None:
    write(folder, "sub/inner", "enqueue inner")
    write(folder, "sub/outer", "run_script inner", "run_script ../top")
    write(folder, "top", "enqueue top")
    assert shell.run("run_script sub/outer").out.count("Enqueued") == 2


@pytest.mark.parametrize("name", ["s", "./s", "link"])
def test_a_script_that_runs_itself_is_an_error(shell: Harness, folder: Path, name: str) -> None:
    write(folder, "s", "enqueue a", f"run_script {name}")
    (folder / "link").symlink_to("s")
    said = shell.run("run_script s")
    assert said.status == 1
    assert said.out.count("Enqueued") == 1
    assert f"script '{Path(name).name}' runs itself" in said.err


def test_scripts_are_not_nested_without_end(shell: Harness, folder: Path) -> None:
    for number in range(MOST_NESTED + 5):
        write(folder, f"s{number}", f"run_script s{number + 1}")
    said = shell.run("run_script s0")
    assert said.status == 1
    assert f"more than {MOST_NESTED} scripts run one another" in said.err


def test_json_may_go_over_several_lines(shell: Harness, folder: Path, queue: JobQueue) -> None:
    write(folder, "s", "enqueue {", '  "id": "a",', "", '  "command": "x"', "} | cat", "lst")
    said = shell.run("run_script s")
    assert queue.get("a").command == "x"
    assert said.out == "Enqueued job 'a' (pending)\n"
    assert "s line 6" in said.err


def test_json_that_does_not_end_is_blamed_on_its_first_line(shell: Harness) -> None:
    said = shell.feed('enqueue a\nenqueue {\n"command":\n')
    assert (said.status, said.err) == (
        1,
        "queuectl: error: line 2: the JSON that begins here does not end\n",
    )


def test_two_blank_lines_end_json_that_does_not_end(shell: Harness) -> None:
    said = shell.feed('enqueue {"a":\n\n\nenqueue b')
    assert said.out == "Enqueued job 'j1' (pending)\n"
    assert "line 1: invalid JSON" in said.err


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe", "is not UTF-8 text"), (b"enqueue a\0\n", "is not UTF-8 text")],
)
def test_a_script_that_is_no_text_is_refused_whole(
    shell: Harness, folder: Path, content: bytes, message: str
) -> None:
    (folder / "s").write_bytes(b"enqueue a\n" + content)
    said = shell.run("run_script s")
    assert (said.status, said.out) == (2, "")
    assert message in said.err


@pytest.mark.parametrize("name", ["nope", "sub", "s/x"])
def test_a_script_that_cannot_be_read_is_1(shell: Harness, folder: Path, name: str) -> None:
    write(folder, "s", "enqueue a")
    (folder / "sub").mkdir()
    said = shell.run(f"run_script {name}")
    assert (said.status, said.out) == (1, "")
    assert f"cannot read script '{name}'" in said.err


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n", "\ufeff# nothing"])
def test_an_empty_script_succeeds(shell: Harness, folder: Path, content: str) -> None:
    (folder / "s").write_text(content)
    assert shell.run("run_script s") == (0, "", "")


def test_crlf_and_unusual_separators_change_no_job(
    shell: Harness, folder: Path, queue: JobQueue
) -> None:
    (folder / "s").write_bytes('enqueue {"command":"a\u2028\x85b"}\r\nenqueue c\r\n'.encode())
    assert shell.run("run_script s").status == 0
    assert [job.command for job in queue.list()] == ["c", "a\u2028\x85b"]


def test_a_line_of_a_pipe_that_is_no_text_fails_alone(shell: Harness) -> None:
    said = shell.feed("enqueue a\nenqueue \udcff\nenqueue b")
    assert (said.status, said.out.count("Enqueued")) == (1, 2)
    assert said.err == "queuectl: error: line 2: the line is not UTF-8 text\n"


def test_exit_ends_all_scripts_with_what_failed_so_far(shell: Harness, folder: Path) -> None:
    write(folder, "inner", "lst", "exit")
    write(folder, "outer", "run_script inner", "enqueue never")
    said = shell.run("run_script outer")
    assert shell.stopped
    assert (said.status, said.out) == (1, "")


def test_the_output_of_a_script_can_be_redirected(shell: Harness, folder: Path) -> None:
    write(folder, "s", "enqueue a", "list --format ids | cat", "!echo b")
    assert shell.run("run_script s > out").out == ""
    assert (folder / "out").read_text() == "Enqueued job 'j1' (pending)\nj1\nb\n"
    assert shell.run("run_script s | tail -1").out == "b\n"


def test_a_script_ends_when_nobody_reads_it_any_more(
    shell: Harness, folder: Path, queue: JobQueue
) -> None:
    write(folder, "s", *["status"] * 100, "enqueue never")
    said = shell.run("run_script s | head -1")
    assert (said.status, said.err) == (0, "")
    assert not list(queue.list())


def test_echo_shows_the_lines(shell: Harness) -> None:
    assert shell.feed("set echo true\nenqueue a").out.startswith("queuectl> enqueue a\n")


def test_a_pipe_can_be_read_as_a_script(shell: Harness, folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    said = shell.run("!echo 'enqueue a' > fifo &", "run_script fifo")
    assert said.out == "Enqueued job 'j1' (pending)\n"


def test_lines_keep_the_number_that_they_began_with() -> None:
    lines = ["a", "{", "}", "b", "{"]
    unfinished = {"{"}
    assert list(whole_lines(lines, unfinished.__contains__)) == [
        (1, "a"), (2, "{\n}"), (4, "b"), (5, "{"),
    ]  # fmt: skip
