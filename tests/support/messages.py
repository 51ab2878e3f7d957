"""Every place in `leader` that words a message for people, by its source; and every text that tests quote.

A place is a call that makes an error, a finding, or a line of the log. Its words are those in its arguments
and in what they name: a variable or constant of that file, or a function of it that makes a sentence.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "leader"
TESTS = ROOT / "tests"

RULE_FILES = ("config/", "durations.py", "names.py")
"""Where a ValueError is a rule that a person reads, behind the key that breaks it."""
LONGEST_RUN = 4
"""So many words in a row are enough to know a message by."""

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One message: where it is worded, by what it is told, and its texts without what is filled in."""

    file: str
    line: int
    kind: str
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"leader/{self.file}:{self.line} {self.kind}: {' … '.join(self.texts)[:120]}"

    @property
    def runs(self) -> set[Words]:
        """What a test must quote one of: some words in a row of its longest text, or all of them."""
        texts = sorted((words(text) for text in self.texts if _is_worded(text)), key=len)
        longest = texts[-1] if texts else ()
        return {run for text in texts for run in runs(text, min(LONGEST_RUN, len(longest)))}


def words(text: str) -> Words:
    """The words of a text, without case and signs."""
    return tuple(re.findall(r"[a-z0-9_]+", text.lower()))


def _is_worded(text: str) -> bool:
    """Whether it is more than a name of something."""
    return " " in text.strip() and len(words(text)) > 1


def runs(of: Words, length: int) -> Iterator[Words]:
    """All that stand in a row."""
    return (of[at : at + length] for at in range(len(of) - length + 1))


def places() -> list[Place]:
    """All of them, file by file."""
    return [place for file in sorted(PACKAGE.rglob("*.py")) for place in _Source(file).places()]


@cache
def error_names() -> frozenset[str]:
    """The errors that carry a sentence for people: those of `leader.errors`, and what parts derive."""
    found = {"LeaderError", "Usage", "Unknown", "UnusableError", "Failed"}
    classes = [
        (node.name, {base.id for base in node.bases if isinstance(base, ast.Name)})
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    while more := {name for name, bases in classes if bases & found} - found:
        found |= more
    return frozenset(found)


@cache
def quoted() -> dict[int, frozenset[Words]]:
    """The runs of words in all texts of the tests, by their length."""
    texts = [
        words(text.replace("\\", ""))
        for file in TESTS.rglob("*.py")
        for text in _strings(ast.parse(file.read_text()))
    ]
    return {
        length: frozenset(run for text in texts for run in runs(text, length))
        for length in range(1, LONGEST_RUN + 1)
    }


@cache
def quoted_whole() -> frozenset[str]:
    """All texts of the tests."""
    return frozenset(text for file in TESTS.rglob("*.py") for text in _strings(ast.parse(file.read_text())))


def _strings(tree: ast.AST) -> Iterator[str]:
    """The texts in a piece of source, but for docstrings."""
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


class _Source:
    """One file of the package."""

    def __init__(self, file: Path) -> None:
        self._name = str(file.relative_to(PACKAGE))
        self._tree = ast.parse(file.read_text())
        self._functions: dict[str, ast.AST] = {
            node.name: node for node in ast.walk(self._tree) if isinstance(node, ast.FunctionDef)
        }

    def places(self) -> Iterator[Place]:
        """All calls that word a message, in the functions that they are in."""
        functions = [
            node for node in ast.walk(self._tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        seen: set[int] = set()
        for function in reversed(functions):  # the inner ones first
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and id(call) not in seen and (kind := self._kind(call)):
                    seen.add(id(call))
                    texts = tuple(self._texts(call, function))
                    if any(_is_worded(text) for text in texts):
                        yield Place(self._name, call.lineno, kind, texts)

    def _kind(self, call: ast.Call) -> str:
        match call.func:
            case ast.Name(id=name) if name in error_names() or name == "Finding":
                return name
            case ast.Name(id="ValueError") if self._name.startswith(RULE_FILES):
                return "ValueError"
            case ast.Attribute(value=ast.Name(id="findings"), attr="refuse" | "refuse_value" | "note"):
                return "finding"
            case ast.Attribute(value=ast.Name(id="log"), attr="error" | "warning"):
                return "log"
            case _:
                return ""

    def _texts(self, call: ast.Call, function: ast.AST) -> Iterator[str]:
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            for node in self._reached(argument, function):
                for text in _strings(node):
                    yield from re.split("%[sd]", text)

    def _reached(self, argument: ast.expr, function: ast.AST) -> Iterator[ast.AST]:
        """What an argument says: itself, what a variable was set to, what a function of this file returns."""
        yield argument
        names = {node.id for node in ast.walk(argument) if isinstance(node, ast.Name)}
        for scope in (function, self._tree):
            for node in scope.body if isinstance(scope, ast.Module) else ast.walk(scope):
                targets = node.targets if isinstance(node, ast.Assign) else []
                if any(isinstance(target, ast.Name) and target.id in names for target in targets):
                    assert isinstance(node, ast.Assign)
                    yield node.value
        for name in names & self._functions.keys():
            yield from (
                node.value
                for node in ast.walk(self._functions[name])
                if isinstance(node, ast.Return) and node.value is not None
            )
