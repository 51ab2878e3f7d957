"""How is Markdown written for man(1)? The little of it that the chapters use, as macros of man(7).

Headings, paragraphs, lists, tables of two columns, blocks of code, `code`, **emphasis** and [links](to).
Anything else is an error, so that nothing is lost unseen.
"""

import re
from collections.abc import Iterator

_ESCAPES = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\([^)]*\)")


def escaped(text: str) -> str:
    """Plain text, so that troff prints each character as it is."""
    return "".join(_ESCAPES.get(one, one if one.isascii() else f"\\[u{ord(one):04X}]") for one in text)


def inline(text: str) -> str:
    """A line of Markdown: code and emphasis in bold, of a link its words."""
    parts, at = [], 0
    for found in _INLINE.finditer(text):
        parts += [escaped(text[at : found.start()]), _inner(found)]
        at = found.end()
    return _guarded("".join([*parts, escaped(text[at:])]))


def bold(text: str) -> str:
    """Words to be typed as they are."""
    return f"\\fB{escaped(text)}\\fR"


def italic(text: str) -> str:
    """A word that stands for another."""
    return f"\\fI{escaped(text)}\\fR"


def heading(text: str) -> str:
    """A section of the page."""
    return f".SH {_quoted(text.upper())}"


def item(term: str, text: str) -> Iterator[str]:
    """A term, in troff already, and what is said of it, in Markdown."""
    yield from (".TP", term, inline(text))


def markdown(text: str) -> Iterator[str]:
    """A whole chapter, without its title."""
    blocks = re.split(r"\n\n+(?=\S)", text.strip())
    at = 0
    while at < len(blocks):
        block = blocks[at]
        while block.startswith("```") and not block.endswith("```"):  # code with empty lines
            at += 1
            block += "\n\n" + blocks[at]
        yield from _block(block)
        at += 1


def _block(block: str) -> Iterator[str]:
    match block.split("\n"):
        case [title] if title.startswith("# "):
            return
        case [title] if title.startswith("## "):
            yield heading(title[3:])
        case [title] if title.startswith("### "):
            yield f".SS {_quoted(title[4:].replace('`', ''))}"
        case [fence, *lines, _] if fence.startswith("```"):
            yield from (".PP", ".nf", ".RS 4", *(_guarded(escaped(line)) for line in lines), ".RE", ".fi")
        case [_, rule, *rows] if rule.startswith("| ---"):
            yield from (line for row in rows for line in _row(row))
        case [first, *_] if re.match(r"- |\d+\. ", first):
            yield from _list(block)
        case lines:
            yield from (".PP", inline(" ".join(line.strip() for line in lines)))


def _list(block: str) -> Iterator[str]:
    for point in re.split(r"\n(?=- |\d+\. )", block):
        mark, _, text = point.partition(" ")
        bullet = "\\(bu" if mark == "-" else mark
        yield f'.IP "{bullet}" 4'
        yield inline(" ".join(text.split()))


def _row(row: str) -> Iterator[str]:
    term, text = (cell.strip().replace("\\|", "|") for cell in row.strip("| ").split(" | "))
    yield from item(inline(term), text)


def _inner(found: re.Match[str]) -> str:
    code, emphasis, words = found.groups()
    return bold(code or emphasis) if code or emphasis else inline(words)


def _quoted(text: str) -> str:
    return '"' + escaped(text).replace('"', "\\(dq") + '"'


def _guarded(line: str) -> str:
    """A line that troff does not take for a macro."""
    return f"\\&{line}" if line[:1] in {".", "'"} else line
