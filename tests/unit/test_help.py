"""Help, however somebody asks for it."""

import pytest

from leader.cli.main import main


@pytest.mark.parametrize(
    ("asked", "same"),
    [
        (["help"], ["--help"]),
        (["help", "once"], ["once", "--help"]),
        (["help", "config", "init"], ["config", "init", "-h"]),
    ],
)
def test_help_as_a_word_is_help_as_an_option(
    asked: list[str], same: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As other programs with many commands have it."""
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert said.startswith("Usage: leader")
    assert main(same) == 0
    assert capsys.readouterr().out == said
