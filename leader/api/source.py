"""What the API server needs to know of the agent, and nothing more.

The agent's shell implements `Source`; the tests have one of their own, written by hand.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from leader.protocol.snapshot import AgentView, Leadership

Change = Mapping[str, object]
"""One change, ready for JSON: `{"event": "gained", "election", "term", "node", "reason", "at"}`."""

Listener = Callable[[Change], None]
Leave = Callable[[], None]
"""Ends what a listener was given for."""


class Source(Protocol):
    """Read access to one agent. Every answer is computed at the moment of asking, none may wait."""

    def elections(self) -> Collection[str]:
        """The names of the elections that there are."""

    def leadership(self, election: str) -> Leadership:
        """Whether this node leads one of them, and for how much longer that is sure (rule R6)."""

    def view(self) -> AgentView:
        """All that this node knows."""

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
