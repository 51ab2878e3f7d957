"""The tree of exceptions and its exit codes."""

import pytest

from leader import errors


def tree(root: type[errors.LeaderError]) -> list[type[errors.LeaderError]]:
    """A class and all below it that are of this file."""
    below = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return [root, *(found for child in below for found in tree(child))]


@pytest.mark.parametrize("error", tree(errors.LeaderError), ids=lambda error: error.__name__)
def test_the_drawing_shows_each_error_with_its_exit_code(error: type[errors.LeaderError]) -> None:
    """The docstring's tree cannot fall behind the code."""
    drawn = [line for line in str(errors.__doc__).splitlines() if f" {error.__name__} " in line]
    assert len(drawn) == 1
    assert str(error.exit_code) in drawn[0].split()


def test_exit_codes_are_those_of_the_interface() -> None:
    """The codes that scripts rely on."""
    assert errors.ConfigurationError.exit_code == 78
    assert errors.UsageError.exit_code == 2
    assert errors.UnknownElection.exit_code == 2
    assert errors.AlreadyRunning.exit_code == 75
    assert errors.AgentUnreachable.exit_code == 3
    assert errors.Refused.exit_code == 1


def test_a_configuration_error_carries_one_sentence_for_each_problem() -> None:
    """They are shown one to a line."""
    error = errors.ConfigurationError(["a: b", "c: d"])
    assert error.problems == ("a: b", "c: d")
    assert str(error) == "a: b\nc: d"
    assert errors.ConfigurationError("one").problems == ("one",)
