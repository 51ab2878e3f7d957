"""Which examples do the tests name? Read from the tests' code, so that no example is left without one."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.examples import EXAMPLES, all_examples, example
from tests.support.node import PROJECT


def is_run(path: str) -> bool:
    """Whether a test names that example, its project, or a script beside it that uses it."""
    folder = path.partition("/")[0]
    beside = [other for other in all_examples() if other.startswith(f"{folder}/") and other != path]
    return (
        path in named_in_tests()
        or (is_project(folder) and folder in named_in_tests())
        or any(other in named_in_tests() and uses(other, path) for other in beside)
    )


def is_project(folder: str) -> bool:
    """Whether the files of a folder make one whole: it has folders of its own."""
    return any(entry.is_dir() for entry in (EXAMPLES / folder).iterdir())


def uses(script: str, path: str) -> bool:
    """Whether a script has the name of that file in what it does, and not only in what it says."""
    text = example(script).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")] if text.startswith("#!") else []
    return any(Path(path).name in line for line in lines)


@cache
def named_in_tests() -> set[str]:
    """Each path that the tests name, below `examples/`."""
    modules = (ast.parse(file.read_text()) for file in (PROJECT / "tests").rglob("*.py"))
    return {path.removeprefix("examples/") for module in modules for path in paths_in(module)}


def paths_in(module: ast.Module) -> Iterator[str]:
    """What a module has written in one string with a `/`, or joined with `/`, as far as it has it."""
    known: dict[str, str] = {}
    for statement in module.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            known[statement.targets[0].id] = _joined(statement.value, known)
    for node in ast.walk(module):
        if isinstance(node, ast.BinOp) or (isinstance(node, ast.Constant) and "/" in str(node.value)):
            yield _joined(node, known)


def _joined(node: ast.expr, known: dict[str, str]) -> str:
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.Name(name):
            return known.get(name, "")
        case ast.BinOp(left, ast.Div(), right):
            return f"{_joined(left, known)}/{_joined(right, known)}".strip("/")
        case _:
            return ""
