"""The man pages: all that `--help` says is in them, they are well formed, and nothing is left out."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from leader.cli.main import MODULES
from leader.cli.tree import Command, read_tree
from leader.manual.__main__ import main
from leader.manual.pages import CHAPTERS
from leader.manual.words import leaves

PACKAGE = Path(__file__).parents[3] / "leader"
OF_OURS = {"LEADER_INHERITED", "LEADER_INHERITED_TCP", "LEADER_INHERITED_WATCHDOG", "LEADER_TEST_SERVER"}
"""Variables that nobody sets by hand: from one agent to the next, and for the tests."""


@pytest.fixture(scope="module")
def tree() -> Command:
    """The whole command line."""
    return read_tree()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pages were written."""
    written = tmp_path_factory.mktemp("man") / "man"
    main(["man", str(written)])
    return written


def shown(page: Path) -> str:
    """The page as `man` shows it on a terminal, in one line of words."""
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", str(page)],
        capture_output=True,
        text=True,
        check=True,
        env={
            "PATH": os.environ["PATH"],
            "MANWIDTH": "1000",
            "LC_ALL": "C.UTF-8",
            "MANOPT": "--no-hyphenation",
        },
    )
    assert not done.stderr
    return " ".join(done.stdout.split())


def test_every_command_has_a_page_and_so_has_the_configuration(directory: Path) -> None:
    """`man leader-NAME` finds each."""
    names = {f"leader-{name}.1" for name in MODULES} | {"leader.1", "leader.toml.5"}
    assert {page.name for page in directory.iterdir()} == names


@pytest.mark.needs("man")
def test_a_page_says_what_help_says(directory: Path, tree: Command) -> None:
    """Each paragraph, option, value, default and argument, as troff makes them."""
    for command in leaves(tree):
        page = shown(directory / f"leader-{command.path[1]}.1")
        for text in (*command.paragraphs, *(option.help for option in command.options)):
            assert " ".join(text.replace("`", "").split()) in page
        for option in command.options:
            assert f"{', '.join(option.names)} {option.metavar}".rstrip() in page
        for argument in command.arguments:
            assert argument.help in page


@pytest.mark.needs("mandoc")
def test_mandoc_has_nothing_to_say_about_any_page(directory: Path) -> None:
    """But for the date of a release, which is the packager's."""
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *map(str, sorted(directory.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not [line for line in done.stdout.splitlines() if 'missing date, using "": TH' not in line]


def test_every_variable_of_the_environment_that_the_program_reads_is_told(directory: Path) -> None:
    """In leader(1)."""
    read = {
        name
        for file in PACKAGE.rglob("*.py")
        for name in re.findall(r"\bLEADER_[A-Z]+(?:_[A-Z]+)*\b", file.read_text())
    }
    assert read - OF_OURS <= set(re.findall(r"LEADER_[A-Z_]+", (directory / "leader.1").read_text()))


def test_every_chapter_belongs_to_a_page() -> None:
    """What no page takes would be read by nobody."""
    assert {file.stem for file in CHAPTERS.glob("*.md")} <= {"leader", "configuration", *MODULES}


def test_every_command_that_a_chapter_refers_to_is_there(directory: Path) -> None:
    """`leader-NAME(1)` in a text is a page."""
    there = {page.name for page in directory.iterdir()}
    for chapter in CHAPTERS.glob("*.md"):
        for name, section in re.findall(r"(leader[\w.-]*)`?\(([15])\)", chapter.read_text()):
            assert f"{name}.{section}" in there, chapter


@pytest.mark.parametrize("words", [[], ["man"], ["manual", "build"], ["man", "build", "more"]])
def test_who_asks_for_something_else_is_told_what_there_is(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, as all commands have it, and the usage."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "usage: python -m leader.manual" in capsys.readouterr().err
