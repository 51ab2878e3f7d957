"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leader.durations import format_duration, parse_duration_ms


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("500ms", 500),
        ("10s", 10_000),
        ("2m", 120_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("1m500ms", 60_500),
        ("0s", 0),
        ("1.5s", 1_500),
        ("0.25h", 900_000),
    ],
)
def test_a_duration_is_read_as_milliseconds(text: str, milliseconds: int) -> None:
    """Every form that the documentation shows is understood."""
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "s",
        "-1s",
        "+1s",
        "1 s",
        "1s ",
        "30m1h",
        "1s1s",
        "1x",
        "1.s",
        ".5s",
        "1.2.3s",
        "0.0001ms",
        "\u0661s",
        "1S",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    """The message quotes the text and shows how one looks."""
    with pytest.raises(ValueError, match="is not a duration such as 500ms") as refusal:
        parse_duration_ms(text)
    assert repr(text) in str(refusal.value)


def test_an_endless_text_is_refused_without_quoting_it_all() -> None:
    """A number of ten thousand digits neither blocks nor fills the screen."""
    with pytest.raises(ValueError, match="is not a duration") as refusal:
        parse_duration_ms("9" * 10_000 + "s")
    assert len(str(refusal.value)) < 120


@given(st.integers(min_value=0, max_value=10**12))
def test_what_is_written_can_be_read_back(milliseconds: int) -> None:
    """Formatting loses nothing."""
    assert parse_duration_ms(format_duration(milliseconds)) == milliseconds


@given(st.text(alphabet="0123456789.dhms -", max_size=40))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """Nothing else can come out of the parser."""
    try:
        milliseconds = parse_duration_ms(text)
    except ValueError:
        return
    assert milliseconds >= 0
