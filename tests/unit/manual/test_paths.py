"""leader-agent(1) has each path that the agent answers, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from leader.manual.pages import CHAPTERS

API = Path(__file__).parents[3] / "leader" / "api"
NAMES = {"election": "NAME", "node": "NODE", "job": "JOB"}
OF_JOBS = "/v1/jobs/JOB/what"
"""One pattern for several paths: `claim`, `run` and `end`."""


def routes(file: Path) -> Iterator[str]:
    """The paths that a module tells apart, with the names of what stands in them."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.MatchSequence):
            yield "/".join(map(_part, node.patterns))


def _part(pattern: ast.pattern) -> str:
    match pattern:
        case ast.MatchValue(value=ast.Constant(value=str(word))):
            return word
        case ast.MatchAs(name=str(name)):
            return NAMES.get(name, name)
        case _:
            return ""


def test_every_path_is_told_and_no_other() -> None:
    """In a table, or among those that are no promise."""
    text = " ".join((CHAPTERS / "agent.md").read_text().split())
    text = text.replace("/guard and work", "/guard, /v1/elections/NAME/work")
    told = set(re.findall(r"(?<=[ ,])/[\w./-]+", text.replace("/v1/jobs/JOB/claim", OF_JOBS)))
    answered = {path for file in API.glob("*routes.py") for path in routes(file)}
    assert {path.rstrip(".") for path in told} == answered
