"""The way to one instance: what travels with which call."""

import asyncio
from collections.abc import Sequence

import pytest

from leader.agent.journal import Journal
from leader.agent.lane import FAREWELL, Lane, Surroundings
from leader.agent.rota import Rota
from leader.instances.instance import Instance
from leader.instances.problems import Subject, Unanswered, explain_timeout
from leader.protocol.calls import Call, Configuration, Observe, Registration, Release, Reply, Take
from leader.protocol.events import Event
from leader.protocol.record import Holder, Version
from tests.support.polling import eventually

HOUR_NS = 3600 * 10**9
OBSERVE = Call("default", "n", 0, Observe())
HOLDER = Holder("a", "a-1", 7)
RELEASE = Call("default", "n", 0, Release(HOLDER))
CLAIM = Call("default", "n", 0, Take(Version(1, "v"), HOLDER, 1000))
EXTENSION = Call("default", "n", 0, Take(Version(1, "v"), HOLDER, 1000, sitting=True))


def unanswered(timeout_ns: int) -> Unanswered:
    """What is raised when no answer came."""
    return Unanswered(explain_timeout(Subject("x", "127.0.0.1:1", "test"), "answering", timeout_ns))


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
        timeout_ns: int,
    ) -> Reply:
        self.registrations.append(registration)
        raise unanswered(timeout_ns)

    async def read_registry(self, *, timeout_ns: int) -> tuple[Registration, ...]:
        raise unanswered(timeout_ns)


class Voting(Instance):
    """An instance that votes, and shows these nodes, or else none."""

    def __init__(self, name: str, shown: Sequence[Registration] | None) -> None:
        configuration = Configuration(1, "list", 1000)
        super().__init__(name, "redis://127.0.0.1:1", cluster="c", node="a", configuration=configuration)
        self.shown = shown
        self.reads = 0

    async def call(
        self,
        calls: Sequence[Call],
        *,
        registration: str,  # noqa: ARG002 - as in the class above
        timeout_ns: int,  # noqa: ARG002 - likewise
    ) -> Reply:
        assert not calls
        return Reply("p", 0, None, "", ())

    async def read_registry(self, *, timeout_ns: int) -> tuple[Registration, ...]:
        self.reads += 1
        if self.shown is None:
            raise unanswered(timeout_ns)
        return tuple(self.shown)


async def test_the_registry_is_read_at_one_instance_and_at_another_if_that_one_does_not_show_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """That is told once, and costs no vote; a turn is as long as a beat."""
    lanes: dict[str, Lane] = {}
    learned: list[str] = []
    instances = [Voting(name, [] if name == "b" else None) for name in "abcde"]
    around = Surroundings(
        feed=lambda _events: None,
        registration=lambda: "here I am",
        heard=lambda _lane: None,
        learned=lambda name, _found: learned.append(name),
        rota=Rota(lanes, HOUR_NS),
        journal=Journal("a"),
        lease_ns=3 * HOUR_NS,
    )
    lanes |= {instance.name: Lane(instance, around) for instance in instances}
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(lane.run()) for lane in lanes.values()]
        lanes["a"].wake()
        await eventually(lambda: learned == ["b"])
        for lane in lanes.values():
            lane.wake()
            await lane.drained()
        for task in running:
            task.cancel()
    assert learned == ["b"]
    assert all(instance.reads <= 1 for instance in instances)
    assert not any(lane.problem for lane in lanes.values())
    tried = sum(instance.reads for instance in instances)
    told = [record for record in caplog.records if "the registry cannot be read" in record.getMessage()]
    assert len(told) == tried - 1


def around(events: list[Event], lanes: dict[str, Lane]) -> Surroundings:
    """What the lanes of this test's node share with others."""
    return Surroundings(
        feed=lambda fed: events.extend(event for _, event in fed),
        registration=lambda: "here I am",
        heard=lambda _lane: None,
        learned=lambda _name, _found: None,
        rota=Rota(lanes, HOUR_NS),
        journal=Journal("a"),
        lease_ns=10,
    )


async def test_a_claim_and_a_release_travel_without_a_registration() -> None:
    """Nobody leads until they are answered; the next beat makes up for it."""
    instance, lanes = Silent(), dict[str, Lane]()
    lane = lanes["x"] = Lane(instance, around([], lanes))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(lane.run())
        for call in (CLAIM, RELEASE, OBSERVE, EXTENSION):
            lane.put(call)
            await lane.drained()
        running.cancel()
    assert instance.registrations == ["", "", "here I am", "here I am"]


async def test_a_node_that_has_left_does_not_register_again() -> None:
    """A beat that falls due while the agent waits for another instance must not bring it back."""
    instance, silence, lanes = Silent(), list[Event](), dict[str, Lane]()
    lane = lanes["x"] = Lane(instance, around(silence, lanes))
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
    assert len(silence) == 2
