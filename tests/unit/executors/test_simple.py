"""A line that is run without a shell does what a shell would make of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queuectl.executors.simple import (
    as_a_shell_leaves_it,
    shell_is_transparent,
    words_of,
    working_directory,
)

SH = "/bin/sh"
TELL = "import os, sys; print([*map(os.fsencode, sys.argv[1:])])"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("true", ["true"]),
        (" make\tall  -j4 ", ["make", "all", "-j4"]),
        ("a 'b  $c' \"d;e\" f'g'\"h\"=i", ["a", "b  $c", "d;e", "fgh=i"]),
        ("./run --at=10:30,11:00 user@host ''", ["./run", "--at=10:30,11:00", "user@host", ""]),
    ],
)
def test_plain_words_need_no_shell(line: str, words: list[str]) -> None:
    assert words_of(line) == tuple(words)


@pytest.mark.parametrize(
    "line",
    [
        *("a $b", "a `b`", "a \\b", "a*", "a ?", "[ab]", "~/a", "a {b,c}", "a & b", "a;b", "a|b"),
        *("a > b", "a <b", "(a)", "# a", "a #b", "a\nb", "a 'b", 'a "b', 'a "$b"', 'a "b\\c"'),
        *("A=1 b", "'true'", "! a", "", " ", "é", "a\u00a0b", "a ~", "if a"),
        *("echo a", "cd /", "exec a", "exit 3", "kill 1", ". a", ": a", "test a", "time a"),
        *("true --help", "false x", "printf x", "pwd", "umask", "a\0b"),
    ],
)
def test_what_only_a_shell_can_tell_is_left_to_it(line: str) -> None:
    assert words_of(line) is None


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_no_word_that_a_shell_takes_for_itself_is_run_without(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    names = sorted({path.name for folder in os.get_exec_path() for path in Path(folder).glob("*")})
    mine = [name for name in [*names, "let", "local", "select"] if words_of(f"{name} x")]
    script = 'for name do case $(command -v -- "$name") in /*|"") ;; *) echo "$name";; esac; done'
    taken = subprocess.run(
        [shell, "-c", script, shell, *mine], capture_output=True, text=True, check=True
    )
    assert taken.stdout == ""


def test_a_long_line_takes_no_long_time() -> None:
    assert words_of("a" * 4000 + "!") is None
    assert words_of("a 'b'" * 800 + "!") is None
    assert words_of("a" * 100_000) is None


@given(st.text("abA1_./,:=@%+^-'\"\t !~#*$\\;é", min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_words_are_those_of_the_shell(rest: str) -> None:
    words = words_of(f"{sys.executable} -c x {rest}")
    if words is None:
        return
    line = f'"$0" -S -c "{TELL}" {rest}'
    done = subprocess.run([SH, "-c", line, sys.executable], capture_output=True, check=True)
    assert done.stdout.decode().strip() == str([word.encode() for word in words[3:]])


def test_only_a_shell_that_adds_nothing_is_left_out(tmp_path: Path) -> None:
    for name in ("dash", "bash"):
        (tmp_path / name).touch()
        (tmp_path / "sh").unlink(missing_ok=True)
        (tmp_path / "sh").symlink_to(name)
        shell_is_transparent.cache_clear()
        assert shell_is_transparent(str(tmp_path / "sh")) is (name == "dash")


@pytest.mark.parametrize("pwd", [None, "here", "link", "/", "relative", "/nowhere"])
def test_the_environment_is_what_dash_passes_on(
    pwd: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dash = shutil.which("dash")
    if dash is None:
        pytest.skip("needs dash")
    here, link = tmp_path / "here", tmp_path / "link"
    here.mkdir()
    link.symlink_to(here)
    monkeypatch.chdir(here)
    told = {"here": str(here), "link": str(link)}.get(pwd or "", pwd)
    env = {"PATH": "/usr/bin:/bin", "A_1": "x", "a.b": "y", "1a": "z", "OLDPWD": "/tmp", "É": "e"}
    if told is not None:
        env["PWD"] = told
    done = subprocess.run([dash, "-c", "env -0"], env=env, capture_output=True, check=True)
    passed_on = dict(pair.split("=", 1) for pair in done.stdout.decode().split("\0") if pair)
    expected = as_a_shell_leaves_it(env)
    expected["PWD"] = working_directory(env.get("PWD"))
    assert expected == passed_on
