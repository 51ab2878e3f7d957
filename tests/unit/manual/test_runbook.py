"""The runbook has every finding of the doctor and every alert, with its meaning and remedy, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from leader.instances.answers import Kind
from leader.manual.pages import CHAPTERS

PROJECT = Path(__file__).parents[3]
SOURCES = (*sorted((PROJECT / "leader" / "doctor").glob("*.py")), PROJECT / "leader" / "cli" / "doctor.py")
CODE = re.compile(r"(?:agent|configuration|crontab|host|instance|node)-[a-z-]*[a-z]")
INCIDENTS = {"agent-frozen", "agent-suspended", "agent-clock-jumped"}


def codes_of(file: Path) -> Iterator[str]:
    """The names of findings that a file words."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value


def rows(chapter: str) -> dict[str, str]:
    """What a chapter says of each name that begins a row of its tables."""
    lines = (CHAPTERS / f"{chapter}.md").read_text().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    return {name: text for names, text in cells for name in re.findall(r"`([^`]+)`", names)}


def test_every_finding_has_its_meaning_and_remedy() -> None:
    """Those with a name of their own, those of instances that give no vote, and incidents."""
    written = {code for file in SOURCES for code in codes_of(file)}
    told = {f"instance-{kind}" for kind in Kind} | INCIDENTS
    assert rows("doctor").keys() == written | told


def test_every_alert_has_its_meaning_and_remedy() -> None:
    """Those of examples/prometheus/alerts.yml."""
    alerts = (PROJECT / "examples" / "prometheus" / "alerts.yml").read_text()
    assert rows("health").keys() == set(re.findall(r"alert: (\w+)", alerts))


def test_each_says_what_is_wrong_and_what_to_do() -> None:
    """At least two sentences, or a semicolon between."""
    for name, text in (rows("doctor") | rows("health")).items():
        assert re.search(r"[.:;] ?\S.*\.", text), name
