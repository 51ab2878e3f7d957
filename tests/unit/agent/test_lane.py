"""The way to one instance: what travels with which call."""

import asyncio
from collections.abc import Sequence

from leader.agent.journal import Journal
from leader.agent.lane import FAREWELL, Lane, Surroundings
from leader.instances.instance import Instance
from leader.instances.problems import Subject, Unanswered, explain_timeout
from leader.protocol.calls import Call, Configuration, Observe, Release, Reply, Take
from leader.protocol.events import Event
from leader.protocol.record import Holder, Version

OBSERVE = Call("default", "n", 0, Observe())
HOLDER = Holder("a", "a-1", 7)
RELEASE = Call("default", "n", 0, Release(HOLDER))
CLAIM = Call("default", "n", 0, Take(Version(1, "v"), HOLDER, 1000))
EXTENSION = Call("default", "n", 0, Take(Version(1, "v"), HOLDER, 1000, sitting=True))


class Silent(Instance):
    """An instance that answers nothing, and remembers what was to be registered."""

    def __init__(self) -> None:
        configuration = Configuration(1, "list", 1000)
        super().__init__("x", "redis://127.0.0.1:1", cluster="c", node="a", configuration=configuration)
        self.registrations: list[str] = []

    async def call(
        self,
        calls: Sequence[Call],  # noqa: ARG002 - as in the class above
        *,
        registration: str,
        want_registry: bool,  # noqa: ARG002 - likewise
        timeout_ns: int,
    ) -> Reply:
        self.registrations.append(registration)
        raise Unanswered(explain_timeout(Subject("x", "127.0.0.1:1", "test"), "answering", timeout_ns))


def around(events: list[Event]) -> Surroundings:
    """What the lane of this test's node shares with others."""
    return Surroundings(
        feed=lambda fed: events.extend(event for _, event in fed),
        registration=lambda: "here I am",
        heard=lambda _lane, _reply: None,
        journal=Journal("a"),
        lease_ns=10,
    )


async def test_a_claim_and_a_release_travel_without_the_registry() -> None:
    """Nobody leads until they are answered; the next beat makes up for it."""
    instance = Silent()
    lane = Lane(instance, around([]))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(lane.run())
        for call in (CLAIM, RELEASE, OBSERVE, EXTENSION):
            lane.put(call)
            await lane.drained()
        running.cancel()
    assert instance.registrations == ["", "", "here I am", "here I am"]


async def test_a_node_that_has_left_does_not_register_again() -> None:
    """A beat that falls due while the agent waits for another instance must not bring it back."""
    instance, unanswered = Silent(), list[Event]()
    lane = Lane(instance, around(unanswered))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(lane.run())
        lane.put(OBSERVE)
        await lane.drained()
        lane.leave()
        await lane.drained()
        lane.put(OBSERVE)
        await lane.drained()
        running.cancel()
    assert instance.registrations == ["here I am", FAREWELL, ""]
    assert len(unanswered) == 2
