"""Scripted scenarios: each story in `stories` goes as it was recorded, and breaks no promise.

`LEADER_TEST_REWRITE=1` records them anew; read the difference before you keep it.
"""

import os
from pathlib import Path

import pytest

from tests.scenarios.story import play

STORIES = sorted((Path(__file__).parent / "stories").glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_goes_as_it_was_recorded(path: Path) -> None:
    """Its commands lead to what stands under them."""
    text = path.read_text()
    ending = play(text)
    assert (ending.broken, ending.diverged) == ("", ""), ending.text
    if os.environ.get("LEADER_TEST_REWRITE"):
        path.write_text(ending.text)
    else:
        assert ending.text == text
