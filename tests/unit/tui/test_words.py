"""How single values are shown."""

import pytest

from leader.foreign import printable
from leader.tui.words import brief, cell


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (None, "-"),
        (0, "0ms"),
        (999, "999ms"),
        (1000, "1.0s"),
        (8199, "8.1s"),
        (9999, "9.9s"),
        (10_000, "10s"),
        (192_900, "3m12s"),
        (599_999, "9m59s"),
        (600_000, "10m"),
        (18_179_000, "5h2m"),
        (172_799_999, "1d23h59m"),
        (176_400_000, "2d1h"),
        (10**12, "11574d1h"),
    ],
)
def test_a_duration_is_shown_briefly_and_never_longer_than_it_is(
    milliseconds: int | None, shown: str
) -> None:
    """Rounded down: what is left of a lease must not look longer."""
    assert brief(milliseconds) == shown


def test_text_of_other_machines_cannot_steer_the_terminal() -> None:
    """Escape sequences and line breaks come out as question marks."""
    assert printable("web\x1b[31m-1\r\n") == "web?[31m-1??"


def test_text_is_no_markup() -> None:
    """A node called [red] is shown as it is called."""
    assert cell("[red]x[/red]").text == "[red]x[/red]"


def test_an_empty_value_is_shown_as_a_dash() -> None:
    """So that columns stay countable for awk."""
    assert cell("").text == "-"
