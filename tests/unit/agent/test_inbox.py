"""Which notices are taken in at once, and which wait for others."""

from collections.abc import Sequence

from leader.agent.inbox import MOST_WAITING, Inbox, Received
from leader.protocol.calls import Notice
from leader.protocol.record import Holder, Record, State, Version
from tests.support.polling import eventually


class Taken:
    """What was taken in, each time, by its sequence."""

    def __init__(self) -> None:
        self.times: list[list[int]] = []
        self.inbox = Inbox("b", self._take)

    def _take(self, received: Sequence[Received]) -> None:
        self.times.append([notice.record.version.sequence for _, notice in received])

    def put(self, sequence: int, state: State, successor: str | None = None) -> None:
        """One that node a, the holder, has caused."""
        version, holder = Version(sequence, "n"), Holder("a", "1", 7)
        record = Record("p", version, state, 7, holder, successor=successor)
        self.inbox.put("i", Notice("default", record))


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
