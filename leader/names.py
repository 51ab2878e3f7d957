"""What can be a name: of a cluster, node, election, instance or job. It stands in keys, URLs and file names.

Commands in a hurry read this file, so it imports nothing.
"""

LONGEST_NAME = 64
NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
NAME_RULE = f"1 to {LONGEST_NAME} letters, digits, dots, dashes or underscores"


def is_name(value: object) -> bool:
    """Whether this can be a name."""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= LONGEST_NAME
        and set(value) <= NAME_CHARACTERS
        and value not in (".", "..")
    )
