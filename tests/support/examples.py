"""Where the examples are, and what the first two lines of each say: what it is, and how it is run."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from tests.support.node import PROJECT

EXAMPLES = PROJECT / "examples"
INDEX = EXAMPLES / "README.md"
NONE = {"__pycache__", "pictures"}
COMMENTS = ("# ", "-- ", "// ")
BEFORE_A_HEADER = ("#!", "#cloud-config", "---")
"""What must stand first, where it stands."""


def example(path: str) -> Path:
    """A file below `examples/`."""
    found = EXAMPLES / path
    assert found.is_file(), f"there is no example {path}"
    return found


def all_examples() -> list[str]:
    """The path of each, below `examples/`; the manual's pictures and pages that explain a folder are none."""
    paths = (file.relative_to(EXAMPLES) for file in EXAMPLES.rglob("*") if file.is_file())
    return sorted(str(path) for path in paths if path.name != "README.md" and not NONE & set(path.parts))


def header_of(path: str) -> tuple[str, str]:
    """The first two lines that say something; empty where there is none."""
    lines = _first_lines(example(path))
    return next(lines, ""), next(lines, "")


def _first_lines(file: Path) -> Iterator[str]:
    text = file.read_text()
    if file.suffix == ".py":
        described = ast.get_docstring(ast.parse(text)) or ""
        return (line.strip() for line in described.splitlines() if line.strip())
    if file.suffix == ".json":
        return iter(str(json.loads(text).get("description", "")).splitlines())
    return _first_comments(text.splitlines())


def _first_comments(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith(BEFORE_A_HEADER):
            continue
        if not line.startswith(COMMENTS):
            return
        yield line.partition(" ")[2].strip()


def index() -> str:
    """What `examples/README.md` is: the first line of each, folder by folder."""
    text = (
        "# Examples\n\nThe first two lines of each say what it is and how it is run, and a test runs each.\n"
    )
    for folder in sorted({path.partition("/")[0] for path in all_examples()}):
        page = f"{folder}/README.md"
        text += f"\n## [{folder}]({page})\n\n" if (EXAMPLES / page).exists() else f"\n## {folder}\n\n"
        text += "".join(_entry(path) for path in all_examples() if path.startswith(f"{folder}/"))
    return text


def _entry(path: str) -> str:
    return f"- [{path.partition('/')[2]}]({path}): {header_of(path)[0]}\n"


if __name__ == "__main__":
    INDEX.write_text(index())
