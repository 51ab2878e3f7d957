"""The agent's JSON becomes the read model again."""

import json

import pytest

from leader.tui.read import read_agent
from tests.unit.tui.examples import CLUSTER, document


def test_what_the_agent_says_is_read_back_as_it_was() -> None:
    """Through JSON and back, nothing is lost."""
    assert read_agent(json.loads(json.dumps(document()))) == CLUSTER


def test_a_field_of_a_newer_agent_is_left_out() -> None:
    """An agent may say more than this version knows, at every level."""
    newer = {**document(), "mood": "good"}
    newer["elections"] = [{**election, "colour": "red"} for election in newer["elections"]]
    assert read_agent(newer) == CLUSTER


@pytest.mark.parametrize("broken", [{}, {**document(), "elections": 7}, {**document(), "nodes": [{}]}])
def test_what_is_no_status_is_refused(broken: dict[str, object]) -> None:
    """The error is the caller's to put into words."""
    with pytest.raises(ValueError, match="not the status of an agent"):
        read_agent(broken)


def test_a_role_that_this_version_does_not_know_is_refused() -> None:
    """As any other value that it cannot show."""
    unknown = document()
    unknown["elections"][0]["role"] = "emperor"
    with pytest.raises(ValueError, match="emperor"):
        read_agent(unknown)
