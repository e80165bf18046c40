"""Shell lines that need no shell: a program and plain words, which are run as they stand.

GNU make does the same. A shell costs as much as a short command, and stands between the queue and
the program: its signals, its exit, its process.
"""

from __future__ import annotations

import os
import re
from functools import cache, lru_cache

# What means nothing to a shell outside of quotes; inside of single quotes everything is plain, in
# double quotes what is not `$`, a backquote, a backslash or another double quote. One character
# decides how to go on, so that no line takes more than a time that grows with its length.
_PART = r"""[A-Za-z0-9_./,:=@%+^-]|'[^'\0]*'|"[^"$`\\\0]*\""""
_LINE = re.compile(rf"[ \t]*(?:{_PART})+(?:[ \t]+(?:{_PART})+)*[ \t]*")
_WORD = re.compile(rf"(?:{_PART})+")
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Words that a shell takes for itself where a command is expected: those of POSIX, of dash and of
# bash. `true` and `false` are not among them: the programs do the same if they are given no words.
_NAMES = """
    ! . : [ [[ { } alias bg bind break builtin caller case cd chdir command compgen complete compopt
    continue coproc declare dirs disown do done echo elif else enable esac eval exec exit export fc
    fg fi for function getopts hash help history if in jobs kill let local logout mapfile popd
    printf pushd pwd read readarray readonly return select set shift shopt source suspend test then
    time times trap type typeset ulimit umask unalias unset until wait while
"""
_OF_THE_SHELL = frozenset(_NAMES.split())
_LONGEST = 4096  # characters of a line that is worth a look
_ALONE = frozenset(("true", "false"))


def words_of(line: str) -> tuple[str, ...] | None:
    """The program and its arguments, None where only a shell can tell what the line means."""
    return _words_of(line) if len(line) <= _LONGEST else None


@lru_cache(maxsize=256)
def _words_of(line: str) -> tuple[str, ...] | None:
    if _LINE.fullmatch(line) is None:
        return None
    raw = _WORD.findall(line)
    words = [_unquoted(word) if "'" in word or '"' in word else word for word in raw]
    name = words[0]
    is_plain = name == raw[0] and "=" not in name
    if not is_plain or name in _OF_THE_SHELL or (name in _ALONE and len(words) > 1):
        return None
    return tuple(words)


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda found: found[1] or found[2] or "", word)


@cache
def shell_is_transparent(shell: str) -> bool:
    """Whether a program finds the same around itself without this shell.

    That is known of dash, which adds nothing. Others do: bash counts `SHLVL`, sets `_`, and takes
    functions from the environment.
    """
    return os.path.basename(os.path.realpath(shell)) == "dash"


def as_a_shell_leaves_it(env: dict[str, str]) -> dict[str, str]:
    """What dash passes on of an environment: it drops what cannot be a variable."""
    return {name: text for name, text in env.items() if _VARIABLE.fullmatch(name)}


def working_directory(told: str | None) -> str:
    """What dash makes of `PWD`: what it was told, if that is the current directory, else its path.

    Raises `OSError` where that cannot be found out.
    """
    if told is not None and told.startswith("/") and _is_here(told):
        return told
    return os.getcwd()


def _is_here(path: str) -> bool:
    try:
        there, here = os.stat(path), os.stat(".")
    except OSError:
        return False
    return (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev)
