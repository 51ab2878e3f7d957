"""The changes of the quorum that the operator of the lab makes: each is one that the manual allows."""

from itertools import islice, pairwise

from leader.config.load import load
from tests.chaos.changes import steps
from tests.support.agents import Settings, short_directory

FIRST = Settings([f"redis://i{number}.chaos:6379/0" for number in (1, 2, 3)], "1000ms")
SPARE = "redis://i4.chaos:6379/0"
ONE_ROUND = 8


def test_each_step_of_the_operator_is_a_neighbour_of_the_one_before() -> None:
    """So agents of the two may share a quorum, whichever of them have taken the step."""
    with short_directory() as directory:
        file = directory / "leader.toml"
        configurations = []
        for step in (FIRST, *islice(steps(FIRST, SPARE, "1200ms"), ONE_ROUND)):
            file.write_text(step.text("a"))
            configurations.append(load(str(file)).configuration())
    assert all(after.is_beside(before) for before, after in pairwise(configurations))
    assert [configuration.generation for configuration in configurations] == list(range(1, ONE_ROUND + 2))


def test_the_changes_of_the_operator_lead_back_to_the_first_list_and_lease() -> None:
    """On the way there is one server more, then another one fewer, and then another lease."""
    ended = [step for step in islice(steps(FIRST, SPARE, "1200ms"), ONE_ROUND) if step.previous is None]
    assert [(len(step.urls), step.lease) for step in ended] == [
        (4, "1000ms"),
        (3, "1000ms"),
        (3, "1200ms"),
        (3, "1000ms"),
    ]
    assert ended[-1].urls == FIRST.urls
    assert list(ended[1].urls) == [*FIRST.urls[1:], SPARE] == list(ended[2].urls)
