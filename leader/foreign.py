"""What others wrote, made harmless to show: text of instances, other nodes, users, requests.

A text that is shown may stand in a log, on a terminal, in a header: so nothing in it steers a terminal or
breaks a line. Where it must be a name, `names.py` says so. Nothing here knows where the text goes.
"""


def printable(text: str, longest: int | None = None) -> str:
    """The text, or its beginning, with a question mark for what would steer a terminal or break a line."""
    text = text[:longest]
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)
