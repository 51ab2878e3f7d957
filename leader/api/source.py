"""What the API server needs to know of the agent, and nothing more.

The agent's shell implements `Source`; the tests have one of their own, written by hand.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from leader.api.control import Control
from leader.api.figures import Figures
from leader.api.peers import Peer
from leader.protocol.runs import Run
from leader.protocol.snapshot import AgentView, HistoryView, JobView, Leadership
from leader.protocol.ticks import Tick, Wish

Change = Mapping[str, object]
"""One change, ready for JSON: `{"event": "gained", "election", "term", "node", "reason", "at"}`."""

Listener = Callable[[Change], None]
Leave = Callable[[], None]
"""Ends what a listener was given for."""


@dataclass(frozen=True, slots=True)
class About:
    """What never changes while an agent runs; `lease_ms` is the lease duration."""

    cluster: str
    node: str
    lease_ms: int


class Source(Protocol):
    """Access to one agent. Every answer is computed at the moment of asking; only `async` ones may wait."""

    def about(self) -> About:
        """What never changes."""

    def elections(self) -> Collection[str]:
        """The names of the elections that there are."""

    def leadership(self, election: str) -> Leadership:
        """Whether this node leads one of them, and for how much longer that is sure (rule R6)."""

    def view(self) -> AgentView:
        """All that this node knows."""

    def history(self) -> HistoryView:
        """What this node remembers."""

    def figures(self) -> Figures:
        """What was counted since the agent started."""

    def unready(self) -> list[str]:
        """Why the agent is not ready, one sentence each; empty when it is."""

    def alive(self) -> bool:
        """Whether the agent's loops turn."""

    def subscribe(self, listener: Listener) -> Leave:
        """Call the listener at each change, on the event loop, until what is returned is called."""

    def guard(self, election: str, listener: Listener) -> Leave:
        """Call the listener when jobs of this election must end; what they hold lasts until they leave.

        A planned hand-over waits for every guard to leave, at most until the deadline (rule R4).
        """

    def forbids(self, peer: Peer | None) -> str:
        """Why that process may not change anything, in a sentence that says what to do; empty if it may."""

    def control(self) -> Control:
        """What an operator may ask of the agent."""

    async def claim(self, wish: Wish) -> Tick | None:
        """A tick, once it is decided; None if the agent ends before."""

    def why_not_claimed(self, election: str) -> str:
        """Why a tick of this election found nobody to claim it, in words."""

    def run_connected(self, run: Run) -> Leave:
        """Note that the `once` of a run is there, until what is returned is called."""

    def run_ended(self, run: Run) -> asyncio.Event:
        """Write down how a run has ended; the event is set once a majority of the instances has it."""

    async def jobs(self, only: str = "") -> tuple[JobView, ...]:
        """All jobs, or one, as the instances keep them now."""
