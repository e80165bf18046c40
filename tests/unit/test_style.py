"""The measurable style: short bodies and modules, plain names, documented interfaces."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import queuectl

PACKAGE = Path(queuectl.__file__).parent
MODULES = {path: ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))}
# What front ends, stores and plugins are written against.
DOCUMENTED = ("domain/", "queue.py", "hooks.py", "stores/contract.py")
VAGUE_WORDS = re.compile(r"(util|helper|common|manager|misc)s?")

MAX_BODY, P90_BODY, MEDIAN_BODY = 50, 25, 8
MAX_MODULE = 300

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def test_function_bodies_are_short() -> None:
    bodies = sorted(_bodies(), reverse=True)
    lengths = [length for length, _ in bodies]
    longest = "\n".join(f"{place}: {length} lines" for length, place in bodies[:10])
    assert lengths[0] <= MAX_BODY, f"a body has more than {MAX_BODY} lines:\n{longest}"
    p90 = statistics.quantiles(lengths, n=10)[-1]
    assert p90 <= P90_BODY, f"a tenth of the bodies has more than {P90_BODY} lines:\n{longest}"
    median = statistics.median(lengths)
    assert median <= MEDIAN_BODY, f"half of the bodies have more than {MEDIAN_BODY} lines: {median}"


def test_modules_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES}
    _assert_none(
        f"{_place(path, MAX_MODULE + 1)}: {length} lines, more than {MAX_MODULE}"
        for path, length in lengths.items()
        if length > MAX_MODULE
    )


def test_every_module_says_in_one_sentence_what_it_is() -> None:
    _assert_none(
        f"{_place(path, 1)}: no docstring, or one that does not open with one sentence"
        for path, module in MODULES.items()
        if not re.fullmatch(r"(?:(?!\. [A-Z]).)+\.", _first_paragraph(module), re.DOTALL)
    )


def test_no_name_is_vague() -> None:
    names = [(path.stem, _place(path, 1)) for path in MODULES]
    names += [(path.parent.name, _place(path, 1)) for path in MODULES if path.stem == "__init__"]
    names += [
        (node.name, _place(path, node.lineno))
        for path, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, Definition)
    ]
    _assert_none(
        f"{place}: {name} says nothing about what it is"
        for name, place in names
        if any(VAGUE_WORDS.fullmatch(word) for word in _words(name))
    )


def test_what_others_build_on_is_documented() -> None:
    _assert_none(
        f"{_place(path, node.lineno)}: {node.name} has no docstring"
        for path, module in MODULES.items()
        if path.relative_to(PACKAGE).as_posix().startswith(DOCUMENTED)
        for node in _public_definitions(module)
        if not ast.get_docstring(node)
    )


def _bodies() -> Iterator[tuple[int, str]]:
    """Give the length and place of every body that does something, without its docstring."""
    for path, module in MODULES.items():
        for node in ast.walk(module):
            if isinstance(node, Function):
                statements = [one for one in node.body if not _is_bare_constant(one)]
                if statements:
                    length = node.body[-1].end_lineno - statements[0].lineno + 1
                    yield length, f"{_place(path, node.lineno)} {node.name}"


def _is_bare_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _public_definitions(scope: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    for node in scope.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public_definitions(node)


def _first_paragraph(module: ast.Module) -> str:
    return (ast.get_docstring(module) or "").split("\n\n")[0]


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def _place(path: Path, line: int) -> str:
    return f"{path.relative_to(PACKAGE.parent)}:{line}"


def _assert_none(findings: Iterator[str]) -> None:
    found = "\n".join(findings)
    assert not found, f"\n{found}"
