"""A hand-over is announced a moment before it, and what those who hear of it do."""

import asyncio
from collections.abc import Sequence

import pytest

from leader import clock
from leader.agent import herald
from leader.agent.herald import HEADS_UP_S, NEAR_NS, Herald
from leader.agent.journal import Journal
from leader.agent.lane import Lane, Surroundings
from leader.agent.rota import Rota
from leader.instances.instance import Instance
from leader.instances.problems import Subject, Unanswered, explain_timeout
from leader.protocol.calls import Announcement, Configuration
from leader.protocol.events import Announced, Event
from tests.support.polling import eventually

HEIRS = {"default": "b", "reports": "c"}
ELECTIONS = ("default", "reports")


class Told(Instance):
    """An instance that remembers what it was told to announce; a hung one answers nothing."""

    def __init__(self, name: str, *, is_hung: bool = False) -> None:
        configuration = Configuration(1, "list", 1000)
        super().__init__(name, "redis://127.0.0.1:1", cluster="c", node="a", configuration=configuration)
        self.told: list[Announcement] = []
        self.is_hung = is_hung

    async def announce(self, announcement: Announcement, timeout_ns: int) -> None:
        self.told.append(announcement)
        if self.is_hung:
            await asyncio.sleep(timeout_ns / 1e9)
            raise Unanswered(explain_timeout(Subject("x", "127.0.0.1:1", "test"), "answering", timeout_ns))


class Place:
    """A herald of node a with some instances, and what came of what it heard."""

    def __init__(self, *instances: Told, round_trip_ns: int | None = 1_000_000) -> None:
        self.fed: list[tuple[str, Event]] = []
        self.passed_on = 0
        self.instances = instances
        lanes: dict[str, Lane] = {}
        around = Surroundings(
            feed=lambda _: None,
            registration=lambda: "",
            heard=lambda _lane: None,
            learned=lambda _name, _found: None,
            rota=Rota(lanes, 1_000_000_000),
            journal=Journal("a"),
            lease_ns=1_000_000_000,
        )
        lanes |= {instance.name: Lane(instance, around) for instance in instances}
        if round_trip_ns is not None:
            for lane in lanes.values():
                lane.round_trips.add(round_trip_ns)
        self.herald = Herald("a", lanes, self._feed, self._pass_on, 1_000_000_000)

    def _feed(self, events: Sequence[tuple[str, Event]]) -> None:
        self.fed += events

    def _pass_on(self) -> None:
        self.passed_on += 1

    async def announce(self, heirs: dict[str, str]) -> float:
        """How many seconds it takes to announce this."""
        began = clock.now_ns()
        await self.herald.announce(heirs)
        return (clock.now_ns() - began) / 1e9


async def test_every_instance_that_is_near_tells_of_it_a_moment_before() -> None:
    """One that hangs holds up nothing."""
    place = Place(Told("x"), Told("y", is_hung=True))
    assert await place.announce(HEIRS) >= HEADS_UP_S
    assert [one.told for one in place.instances] == [[Announcement("a", HEIRS)]] * 2


@pytest.mark.parametrize("round_trip_ns", [None, NEAR_NS + 1], ids=["never answered", "far away"])
async def test_an_instance_that_is_not_near_is_kept_free_for_the_release(round_trip_ns: int | None) -> None:
    """Nothing is announced there, and nothing waited for."""
    place = Place(Told("x"), round_trip_ns=round_trip_ns)
    await place.herald.announce(HEIRS)
    assert place.instances[0].told == []


async def test_where_nobody_follows_nothing_is_announced() -> None:
    """As when a node stops that leads nothing."""
    place = Place(Told("x"))
    await place.announce({})
    assert place.instances[0].told == []


async def test_whoever_is_to_follow_prepares_for_it() -> None:
    """In those elections alone that it has a part in, and that are announced to it."""
    place = Place()
    place.herald.hear(ELECTIONS, Announcement("b", {"default": "a", "reports": "c", "unknown": "a"}))
    assert place.fed == [("default", Announced())]
    assert place.passed_on == 0


async def test_all_others_hear_of_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other instances tell of the same; a later one is another."""
    place = Place()
    for _ in range(5):
        place.herald.hear(ELECTIONS, Announcement("b", HEIRS))
    assert (place.fed, place.passed_on) == ([], 1)
    monkeypatch.setattr(herald, "ALL_TELL_NS", 0)
    await eventually(lambda: heard_again(place))


def heard_again(place: Place) -> bool:
    """Whether what is heard now is taken for another announcement."""
    place.herald.hear(ELECTIONS, Announcement("b", HEIRS))
    return place.passed_on > 1


async def test_whoever_hands_over_goes_on_listening() -> None:
    """It hears its own announcement, too."""
    place = Place()
    place.herald.hear(ELECTIONS, Announcement("a", HEIRS))
    assert (place.fed, place.passed_on) == ([], 0)
