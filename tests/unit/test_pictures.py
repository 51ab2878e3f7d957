"""The pictures of the README: drawings for every viewer, which fetch nothing and tell of no machine."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

PICTURES = sorted((Path(__file__).parents[2] / "leader" / "manual" / "pictures").glob("*.svg"))
SAYS = {
    "demo.svg": "each ran once, on node-",
    "how-it-works.svg": "watch whether the",
    "status.svg": "3 of 3 instances answer; 1 more may fail",
    "top.svg": "1 elections",
}
"""What each shows, among other things."""


def text_of(picture: Path) -> str:
    """All words of a drawing."""
    return "".join(ET.parse(picture).getroot().itertext()).replace("\N{NO-BREAK SPACE}", " ")  # noqa: S314


def test_all_pictures_are_known() -> None:
    """`make pictures` makes those of terminals; one is drawn by hand."""
    assert {picture.name for picture in PICTURES} == SAYS.keys()


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_shows_what_it_should_and_nothing_of_the_machine(picture: Path) -> None:
    """No path, no address of elsewhere, no host but those of the example."""
    assert SAYS[picture.name] in text_of(picture)
    assert not re.search(r"(?:^|[\s(\"'=])/(?:tmp|home|root|var|run|usr)\b", picture.read_text())
    assert set(re.findall(r"https?://[\w./-]+", picture.read_text())) <= {
        "http://www.w3.org/2000/svg",
        "https://www.textualize.io",
    }
