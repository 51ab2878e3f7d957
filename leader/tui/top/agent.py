"""What top needs of an agent, and the two ways in which it may not get it. Knows no socket and no HTTP."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol


class Away(Exception):
    """The agent does not answer."""


class Declined(Exception):
    """The agent answers, and will not do it; the text is its sentence."""


class Agent(Protocol):
    """The agent of this node. All of them raise `Away`, and the last three `Declined`."""

    async def status(self) -> Mapping[str, Any]:
        """All that it knows."""

    def events(self) -> AsyncIterator[Mapping[str, Any]]:
        """A snapshot, then each change, until it ends the stream."""

    async def step_down(self, election: str) -> Mapping[str, Any]:
        """Hand one election over."""

    async def pause(self) -> Mapping[str, Any]:
        """Keep this node from leading."""

    async def resume(self) -> Mapping[str, Any]:
        """Let it lead again."""
