"""Markdown as troff: what is said is printed as it is said, whatever signs it has."""

import pytest

from leader.manual.troff import inline, markdown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words", "plain words"),
        ("`leader run` waits", "\\fBleader run\\fR waits"),
        ("a **must**", "a \\fBmust\\fR"),
        ("see [the file](there.md) `--to`", "see the file \\fB\\-\\-to\\fR"),
        ("a \\ back", "a \\e back"),
        (".profile", "\\&.profile"),
        ("it's 5 → 2", "it\\(aqs 5 \\[u2192] 2"),
    ],
)
def test_a_line_keeps_its_signs(text: str, expected: str) -> None:
    """Dots, dashes, quotes and what is not ASCII are no commands of troff."""
    assert inline(text) == expected


def test_a_chapter_becomes_macros() -> None:
    """Its title is the page's; code keeps its lines, also empty ones, and a table is a list of terms."""
    chapter = """\
# title

## Part one

Two lines
of one paragraph.

- first
  goes on
- second

1. numbered

```sh
a

.b
```

| code | meaning |
| --- | --- |
| `0` | good |
"""
    assert list(markdown(chapter)) == [
        *('.SH "PART ONE"', ".PP", "Two lines of one paragraph."),
        *('.IP "\\(bu" 4', "first goes on", '.IP "\\(bu" 4', "second", '.IP "1." 4', "numbered"),
        *(".PP", ".nf", ".RS 4", "a", "", "\\&.b", ".RE", ".fi"),
        *(".TP", "\\fB0\\fR", "good"),
    ]
