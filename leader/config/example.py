"""The commented file that `leader config init` writes; filled in, it passes `leader config check`."""

import textwrap
from collections.abc import Iterator

from leader.config.keys import SECTIONS, VARIABLES, Key, Section

HEAD = f"""\
# The configuration of this node's leader agent. What stands behind a # is off: a default or an example.
# Check it with `leader config check`, see what is in effect with `leader config show`.
# In the environment these win: {", ".join(VARIABLES)}.
"""
_WIDTH = 108


def example() -> str:
    """All sections with their keys, each behind what it is for."""
    return HEAD + "".join(_section(section) for section in SECTIONS if section.is_shown)


def _section(section: Section) -> str:
    lines = ["", *_comment(section.text)]
    if section.name:
        lines.append(_switched(f"[{section.name}]", is_on=section.is_on))
    return "\n".join([*lines, *(line for key in section.keys for line in _key(key))]) + "\n"


def _key(key: Key) -> Iterator[str]:
    default = f"; default: {key.default}" if key.default else ""
    yield from _comment(f"{key.text.removesuffix('.')} ({key.takes}{default}).")
    yield _switched(f"{key.name} = {key.example}", is_on=key.is_on)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False)]


def _switched(line: str, *, is_on: bool) -> str:
    return line if is_on else f"# {line}"
