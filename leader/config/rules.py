"""The rules that single values keep: each function takes what TOML or a variable gave, and returns it parsed.

A value that breaks its rule is a ValueError whose message is the rule, to stand after file, key and
value: "must be …". Rules that join several keys are in the sections' own files.
"""

import os
import pwd
from collections.abc import Callable
from typing import TypeGuard

from leader.durations import format_duration, parse_duration_ms
from leader.names import NAME_RULE, is_name

LARGEST_GENERATION = 2**31 - 1


def name(value: object) -> str:
    """A name of a cluster, node, election or instance: it stands in keys, URLs and file names."""
    if not isinstance(value, str) or not is_name(value):
        raise ValueError(f"must be {NAME_RULE}")
    return value


def _is_text(value: object) -> TypeGuard[str]:
    """Whether it says something that can be handed to the system, where NUL ends every text."""
    return isinstance(value, str) and value != "" and "\0" not in value


def text(value: object) -> str:
    """Any text that is not empty."""
    if not _is_text(value):
        raise ValueError("must be a text that is not empty, without NUL")
    return value


def reader() -> str:
    """Who reads the files that are named here: the agent's user and the administrator may be two."""
    user = os.geteuid()
    try:
        return f"user {pwd.getpwuid(user).pw_name}"
    except KeyError:
        return f"user {user}"


def absolute_path(value: object) -> str:
    """A path that means the same whatever directory the agent was started in."""
    if not _is_text(value) or not value.startswith("/"):
        raise ValueError("must be an absolute path, without NUL")
    return value


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def integer(least: int, greatest: int) -> Callable[[object], int]:
    """A rule for whole numbers between two bounds, both allowed."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= greatest:
            raise ValueError(f"must be a whole number from {least} to {greatest}")
        return value

    return parse


def duration(least_ms: int, greatest_ms: int) -> Callable[[object], int]:
    """A rule for durations between two bounds, both allowed; the value in milliseconds."""
    rule = f"must be from {format_duration(least_ms)} to {format_duration(greatest_ms)}"

    def parse(value: object) -> int:
        if not isinstance(value, str):
            raise ValueError('must be a duration in quotes, such as "10s"')
        try:
            milliseconds = parse_duration_ms(value)
        except ValueError:
            raise ValueError("must be a duration such as 500ms, 10s, 2m or 1h30m") from None
        if not least_ms <= milliseconds <= greatest_ms:
            raise ValueError(rule)
        return milliseconds

    return parse


def texts(value: object) -> tuple[str, ...]:
    """A list of texts, none of them empty."""
    if not isinstance(value, list) or not all(_is_text(item) for item in value):
        raise ValueError("must be a list of texts that are not empty, without NUL")
    return tuple(value)


def positive(value: object) -> float:
    """A number greater than zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError("must be a number greater than 0")
    return float(value)


def percent(value: object) -> float:
    """A share written as `95%`, returned as 95.0."""
    try:
        share = float(value[:-1]) if isinstance(value, str) and value.endswith("%") else -1.0
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise ValueError('must be a percentage in quotes, such as "95%"')
    return share


def percent_by_path(value: object) -> dict[str, float]:
    """A table of absolute paths with a share each, as in `{ "/" = "2%" }`."""
    if not isinstance(value, dict):
        raise ValueError('must be a table such as { "/" = "2%" }')
    return {absolute_path(path): percent(share) for path, share in value.items()}


def file_mode(value: object) -> int:
    """Permissions written as in chmod, in quotes: `0660`."""
    if not isinstance(value, str) or not value or set(value) - set("01234567") or int(value, 8) > 0o777:
        raise ValueError('must be octal permissions in quotes, such as "0660"')
    return int(value, 8)


def host_and_port(value: object) -> str:
    """An address to listen on, such as `127.0.0.1:8009` or `[::1]:8009`."""
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    bracketed = host.startswith("[") and host.endswith("]")
    if not host or (":" in host and not bracketed) or not port.isdecimal() or not 0 < int(port) <= 65_535:
        raise ValueError('must be host and port, such as "127.0.0.1:8009"')
    return f"{host}:{port}"
