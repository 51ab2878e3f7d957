"""Which notices are taken in at once, and which wait for others."""

from collections.abc import Sequence

from leader.agent.inbox import MOST_WAITING, Inbox, Received
from leader.protocol.calls import Notice
from leader.protocol.record import Holder, Record, State, Version
from tests.rules.driver import Driver, held, released
from tests.support.polling import eventually


class Taken:
    """What was taken in, each time, by its sequence, and after which notices it was told as passed on."""

    def __init__(self, *others: str) -> None:
        self.times: list[list[int]] = []
        self.passed_on: list[int] = []
        self.nodes = {election: Driver() for election in ("default", *others)}
        electors = {election: driver.elector for election, driver in self.nodes.items()}
        self.inbox = Inbox("b", electors, self._take, lambda: self.passed_on.append(self._sequence))
        self._sequence = 0

    def _take(self, received: Sequence[Received]) -> None:
        self.times.append([notice.record.version.sequence for _, notice in received])

    def put(
        self,
        sequence: int,
        state: State,
        successor: str | None = None,
        *,
        term: int = 7,
        instance: str = "x",
        election: str = "default",
    ) -> None:
        """One that node a, the holder, has caused."""
        self._sequence = sequence
        version, holder = Version(sequence, "n"), Holder("a", "1", term)
        record = Record("p", version, state, 7, holder, successor=successor)
        self.inbox.put(instance, Notice(election, record))


async def test_a_release_that_concerns_this_node_is_taken_in_at_once() -> None:
    """It is named as successor, or nobody is."""
    taken = Taken()
    taken.put(1, State.RELEASED, "b")
    taken.put(2, State.RELEASED)
    assert taken.times == [[1], [2]]


async def test_what_others_do_waits_and_is_taken_in_together() -> None:
    """A renewal by another, a release to another, and its take-over."""
    taken = Taken()
    taken.put(1, State.HELD)
    taken.put(2, State.RELEASED, "c")
    taken.put(3, State.HELD)
    assert taken.times == []
    await eventually(lambda: bool(taken.times))
    assert taken.times == [[1, 2, 3]]
    taken.put(4, State.HELD)
    await eventually(lambda: len(taken.times) > 1)


async def test_what_waited_is_taken_in_before_what_is_urgent() -> None:
    """An instance publishes its changes in their order, and so they are taken in."""
    taken = Taken()
    taken.put(1, State.HELD)
    taken.put(2, State.RELEASED, "b")
    assert taken.times == [[1, 2]]


async def test_an_instance_that_publishes_without_end_fills_no_memory() -> None:
    """So many wait at most."""
    taken = Taken()
    for sequence in range(MOST_WAITING):
        taken.put(sequence, State.HELD)
    assert [len(time) for time in taken.times] == [MOST_WAITING]
    taken.inbox.close()


async def test_only_a_release_to_another_node_is_told_as_passed_on() -> None:
    """What follows it is no business of this node; other instances tell of the same one."""
    taken = Taken()
    taken.put(1, State.HELD)
    taken.put(2, State.RELEASED)
    taken.put(3, State.RELEASED, "b")
    taken.put(4, State.RELEASED, "c")
    taken.put(5, State.RELEASED, "c")
    taken.put(6, State.RELEASED, "c", term=8)
    assert taken.passed_on == [4, 6]
    taken.inbox.close()


async def test_who_releases_one_election_may_be_giving_up_another() -> None:
    """A node that holds several at an instance names a successor for each, and not the same one."""
    taken = Taken("other")
    other = taken.nodes["other"]
    other.answer("x", held(1, Holder("a", "1", 8)))
    taken.put(1, State.RELEASED, "c", term=1)
    assert taken.passed_on == []
    taken.put(2, State.RELEASED, "c", term=2, instance="y")
    assert taken.passed_on == [2]
    other.notice("x", released(2, Holder("a", "1", 8)))
    taken.put(3, State.RELEASED, "c", term=3)
    other.notice("x", held(3, Holder("c", "1", 9)))
    taken.put(4, State.RELEASED, "c", term=4)
    assert taken.passed_on == [2, 3, 4]
    taken.inbox.close()


async def test_what_is_published_of_an_unknown_election_leaves_nothing_behind() -> None:
    """Anybody who has the password may publish under any name, without end."""
    taken = Taken()
    for sequence in range(MOST_WAITING):
        taken.put(sequence, State.RELEASED, "c", election=f"unknown-{sequence}")
    taken.put(1, State.RELEASED)
    assert taken.times == [[1]]
    assert taken.passed_on == []
