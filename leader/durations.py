"""How people write durations, and how they are shown to them: `500ms`, `10s`, `2m`, `1h30m`.

The fast path of `is-leader` reads this file, so it imports nothing.
"""

_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_LONGEST_TEXT = 32


def parse_duration_ms(text: str) -> int:
    """The milliseconds that a text such as `500ms`, `1.5s` or `1h30m` says; `0s` is 0.

    Units go from large to small, each at most once: d, h, m, s, ms.

    Raises:
        ValueError: the text is not a duration; the message says how to write one.
    """
    if len(text) > _LONGEST_TEXT:
        raise _not_a_duration(text)
    total_ms, smallest, rest = 0, None, text
    while rest or not text:
        number, unit, rest = _first_part(text, rest)
        if smallest is not None and _UNITS_MS[unit] >= smallest:
            raise _not_a_duration(text)
        smallest = _UNITS_MS[unit]
        total_ms += _exact_ms(text, number, smallest)
    return total_ms


def format_duration(milliseconds: int) -> str:
    """The shortest text that `parse_duration_ms` reads as so many milliseconds (0 or more)."""
    parts, rest = [], milliseconds
    for unit, size in _UNITS_MS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _first_part(text: str, rest: str) -> tuple[str, str, str]:
    number = _leading(rest, "0123456789.")
    unit = _leading(rest[len(number) :], "dhms")
    if not number or unit not in _UNITS_MS:
        raise _not_a_duration(text)
    return number, unit, rest[len(number) + len(unit) :]


def _leading(text: str, alphabet: str) -> str:
    return text[: len(text) - len(text.lstrip(alphabet))]


def _exact_ms(text: str, number: str, unit_ms: int) -> int:
    whole, _, fraction = number.partition(".")
    if "." in fraction or not whole or number.endswith("."):
        raise _not_a_duration(text)
    scale: int = 10 ** len(fraction)
    scaled, left_over = divmod(int(whole + fraction) * unit_ms, scale)
    if left_over:
        raise _not_a_duration(text)
    return scaled


def _not_a_duration(text: str) -> ValueError:
    shown = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
    return ValueError(f"{shown!r} is not a duration such as 500ms, 10s, 2m or 1h30m")
