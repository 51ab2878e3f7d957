"""What the README and the manual say is proven: blocks are run or listed with the reason, links lead on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leader.manual.pages import CHAPTERS

PROJECT = Path(__file__).parents[3]
README = PROJECT / "README.md"
TEXTS = (README, *sorted(CHAPTERS.glob("*.md")))
LINKING = [
    file for place in ("", "leader/**/", "examples/**/", "tests/**/") for file in PROJECT.glob(f"{place}*.md")
]
"""All that is written in Markdown."""

FOLLOWED = {
    "Try it by hand": "tests/e2e/test_dev.py",
    "Five minutes to a guarded crontab": "tests/e2e/test_five_minutes.py",
}
"""Sections whose commands a test reads from the README and types."""
CHECKED = {
    "python": ("tests/integration/test_library.py", "```python"),
    "toml": ("tests/e2e/test_readme.py", 'blocks("toml")'),
    "redis": ("tests/e2e/test_readme.py", 'blocks("redis")'),
    "crontab": ("tests/e2e/test_readme.py", 'blocks("crontab")'),
}
"""Languages whose blocks a test reads from the README, and how it is seen to."""
NOT_TYPED = {
    "make demo": "tests/e2e/test_demo.py plays it; make would set up an environment from a registry",
    "make test": "this very test is a part of it",
    "make deb": "tests/packaging/test_deb.py builds, installs and starts what it makes",
    "[Unit]\nBindsTo=leader-held": "tests/packaging/test_bound_services.py binds a service",
    "leader run -- leader fence": "its paths are examples; tests/e2e/test_fencing.py does the same elsewhere",
    "leader once JOB --gap": "its words stand for others; tests/benchmarks/ticks.py types them",
    "[quorum]\ngeneration = 2": "it has gaps to fill in; tests/integration/test_change.py writes such files",
}
"""How blocks begin that are not run as they stand, and why."""


def blocks(file: Path) -> Iterator[tuple[str, str, str]]:
    """Section, language and text of each block of code."""
    section = ""
    parts = re.split(r"^(##+ .*|```[\s\S]*?^```)$", file.read_text(), flags=re.MULTILINE)
    for part in parts:
        if part.startswith("## "):
            section = part[3:]
        elif part.startswith("```"):
            language, _, text = part.removeprefix("```").partition("\n")
            yield section, language, text


ALL = [(file.name, *block) for file in TEXTS for block in blocks(file)]


@pytest.mark.parametrize(("file", "section", "language", "text"), ALL)
def test_every_block_is_run_or_listed_with_the_reason(
    file: str, section: str, language: str, text: str
) -> None:
    """By a test that follows its section or reads its language, or it is in the list."""
    is_listed = any(text.startswith(beginning) for beginning in NOT_TYPED)
    is_run = file == README.name and (section in FOLLOWED or language in CHECKED)
    assert is_run or is_listed


def test_nothing_is_listed_that_is_not_there() -> None:
    """A reason outlives its block otherwise."""
    assert all(any(text.startswith(beginning) for *_, text in ALL) for beginning in NOT_TYPED)
    assert FOLLOWED.keys() <= {section for _, section, *_ in ALL}
    assert CHECKED.keys() <= {language for _, _, language, _ in ALL}


def test_the_tests_that_are_named_do_what_is_said_of_them() -> None:
    """Each is there, and has the section or the language that it reads."""
    for section, test in FOLLOWED.items():
        assert f"## {section}" in (PROJECT / test).read_text()
    for test, sign in CHECKED.values():
        assert sign in (PROJECT / test).read_text()
    for reason in NOT_TYPED.values():
        assert all((PROJECT / test).is_file() for test in re.findall(r"tests/[\w/]+\.py", reason))


def anchors(file: Path) -> set[str]:
    """What can stand behind # in a link to a text."""
    titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("file", sorted(LINKING), ids=lambda file: str(file.relative_to(PROJECT)))
def test_every_link_leads_somewhere(file: Path) -> None:
    """To a file of the project, and to a heading in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", file.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = file.parent / path if path else file
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target
