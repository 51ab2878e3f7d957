"""Has what another machine wrote the shape that it should have?"""


def array(value: object) -> list[object]:
    """The list that this is.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, list):
        raise ValueError(f"{type(value).__name__} where an array belongs")  # noqa: TRY004  a shape, not a bug
    return value


def text(value: object) -> str:
    """The text that this is.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} where a text belongs")  # noqa: TRY004  a shape, not a bug
    return value


def texts(value: object) -> list[str]:
    """The list of texts that this is.

    Raises:
        ValueError: it is something else.
    """
    return [text(item) for item in array(value)]
