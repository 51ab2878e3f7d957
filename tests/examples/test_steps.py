"""The example of a long loop that asks before each step whether it may go on."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.examples.running import started
from tests.support.agents import Node, Settings, quorum_of
from tests.support.examples import example
from tests.support.lone import lone
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("examples-queue")
STEPS = example("steps/steps.sh")
STOPPED = 75


@pytest.fixture
def leader() -> Iterator[Node]:
    """A node that leads, with a lease that a loaded machine cannot outrun."""
    with ExitStack() as stack:
        quorum = stack.enter_context(quorum_of())
        node = stack.enter_context(lone(Settings(quorum.urls, lease="5s")))
        node.start()
        until(node.leads, "it leads")
        yield node


def step(directory: Path) -> str:
    """A command that writes its item down."""
    program = directory / "step"
    program.write_text(f'#!/bin/sh\necho "$1" >>{directory}/done\n')
    program.chmod(0o755)
    return str(program)


def test_a_loop_goes_to_its_end_under_a_leader_and_stops_without(leader: Node, tmp_path: Path) -> None:
    """No step begins that could not end under the lease; it says which one would be the next."""
    words, said = [str(STEPS), step(tmp_path)], tmp_path / "said"
    environment = {"STEP": "1s"}
    done = tmp_path / "done"
    with started(leader, [*words, "one"], {"STEP": "6s"}, said) as process:
        assert process.wait(60) == STOPPED
    assert not done.exists()
    with started(leader, [*words, "one", "two"], environment, said) as process:
        assert process.wait(60) == 0
    assert done.read_text().split() == ["one", "two"]

    many = [str(number) for number in range(10_000)]
    with started(leader, [*words, *many], environment, said) as process:
        until(lambda: len(done.read_text().split()) > 4, "some steps are done")
        leader.kill()
        assert process.wait(60) == STOPPED
    steps = done.read_text().split()[2:]
    assert steps == many[: len(steps)]
    assert said.read_text().endswith(f"does not lead for 1s more: stopped before {many[len(steps)]}\n")
