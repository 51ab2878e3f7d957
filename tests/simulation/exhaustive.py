"""Does any order of events in the small world break a promise? Tries them all.

    python -m tests.simulation.exhaustive --minutes 2

tells how many states were seen, how deep the search went, and up to how much trouble that was all there is.
"""

import argparse
import sys
from collections import deque
from dataclasses import dataclass

from leader.clock import now_ns
from tests.simulation.small_key import key_of
from tests.simulation.small_state import BEAT_NS, BrokenPromiseError, Budget, World
from tests.simulation.small_world import begin_led, check, steps

NS_PER_S = 1_000_000_000


@dataclass(slots=True)
class Trace:
    """How a state was reached."""

    name: str
    before: "Trace | None"
    length: int

    def story(self) -> list[str]:
        """The names of all steps, in order."""
        names = [self.name]
        trace = self.before
        while trace is not None:
            names.append(trace.name)
            trace = trace.before
        return names[::-1]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search saw. `broken` is the promise and the steps to where it broke, if it did.

    `complete` is up to how much trouble every state was seen, -1 if not even without any.
    """

    states: int
    transitions: int
    depth: int
    beats: int
    complete: int
    seconds: float
    broken: tuple[str, list[str]] | None = None

    def __str__(self) -> str:
        return (
            f"{self.states} states, {self.transitions} steps between them, up to {self.depth} steps and "
            f"{self.beats} beats deep, {self.how_far()}, {self.seconds:.0f} s"
        )

    def how_far(self) -> str:
        """Up to how many troubles nothing is left to see."""
        return "not complete" if self.complete < 0 else f"complete up to {self.complete} of its troubles"


class Search:
    """Explores the states with the least trouble first, and of those the nearest."""

    def __init__(self, first: World) -> None:
        self.seen = {key_of(first)}
        self.transitions = self.depth = self.beats = 0
        self._most = first.budget.left
        self._queues = [deque[tuple[World, Trace]]() for _ in range(self._most + 1)]
        self._queues[0].append((first, Trace("the beginning", None, 0)))

    def run(self, seconds: float) -> Found:
        """Go on until nothing is left, a promise breaks, or the time is over."""
        began = now_ns()
        broken = None
        while broken is None and now_ns() - began < seconds * NS_PER_S and self._trouble() <= self._most:
            broken = self._expand(*self._queues[self._trouble()].popleft())
        complete = self._trouble() - 1
        passed = (now_ns() - began) / NS_PER_S
        return Found(len(self.seen), self.transitions, self.depth, self.beats, complete, passed, broken)

    def _trouble(self) -> int:
        """The least trouble of all states that are still to be explored."""
        return next((trouble for trouble, queue in enumerate(self._queues) if queue), self._most + 1)

    def _expand(self, world: World, trace: Trace) -> tuple[str, list[str]] | None:
        self.depth, self.beats = max(self.depth, trace.length), max(self.beats, world.now // BEAT_NS)
        name = "what comes next"
        try:
            for name, after in steps(world):
                self.transitions += 1
                key = key_of(after)
                if key not in self.seen:
                    self.seen.add(key)
                    reached = Trace(name, trace, trace.length + 1)
                    self._queues[self._most - after.budget.left].append((after, reached))
                    check(after)
        except BrokenPromiseError as error:
            return str(error), [*trace.story(), name]
        return None


FAMILIES = (
    Budget(faults=1, restarts=0, crashes=0, hand_overs=0),
    Budget(faults=0, restarts=1, crashes=0, hand_overs=0),
    Budget(faults=0, restarts=0, crashes=0, hand_overs=1),
    Budget(faults=0, restarts=0, crashes=1, hand_overs=0),
    Budget(faults=1, restarts=1, crashes=0, hand_overs=0),
    Budget(faults=2, restarts=0, crashes=0, hand_overs=0),
    Budget(faults=2, restarts=1, crashes=1, hand_overs=1),
)
"""Which troubles together, from the ones whose states are few to all of them."""


def main(arguments: list[str] | None = None) -> int:
    """Search one family of troubles after the other for so many minutes; 1 if a promise broke."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=2.0)
    ends_at = now_ns() + round(parser.parse_args(arguments).minutes * 60 * NS_PER_S)
    states = 0
    for index, budget in enumerate(FAMILIES):
        share = (ends_at - now_ns()) / NS_PER_S / (len(FAMILIES) - index)
        found = Search(begin_led(budget)).run(share)
        states += found.states
        say(f"{budget}: {found}")
        if found.broken is not None:
            say(f"BROKEN: {found.broken[0]}", *found.broken[1])
            return 1
    say(f"{states} states, no broken promise")
    return 0


def say(*lines: str) -> None:
    """Print them at once: the next family takes a while."""
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
