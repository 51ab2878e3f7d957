"""What one instance stores about one election, as values.

Knows nothing of Redis: how a record is laid out in a hash is the business of
`leader/instances/beat.lua`. The words are those of `leader/protocol/__init__.py`.
"""

from dataclasses import dataclass
from enum import StrEnum

FORMAT = 1
"""The layout of records, so that agents of two versions can share a quorum."""

LARGEST_TERM = 2**53 - 1
"""Lua's numbers are doubles: beyond this they are no longer exact."""


class State(StrEnum):
    """What a record says about the lease."""

    FRESH = "fresh"
    HELD = "held"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """One write of one record: the sequence number grows, the nonce is drawn by the caller."""

    sequence: int
    nonce: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.nonce}"


@dataclass(frozen=True, slots=True)
class Holder:
    """The identity of one leadership, unique for ever: node, incarnation of its agent, term."""

    node: str
    incarnation: str
    term: int

    def __str__(self) -> str:
        return f"{self.node}:{self.incarnation}:{self.term}"

    @classmethod
    def parse(cls, text: str) -> "Holder":
        """Read what `str` wrote.

        Raises:
            ValueError: the text is not `node:incarnation:term`.
        """
        node, incarnation, term = text.split(":")
        return cls(node, incarnation, int(term))


@dataclass(frozen=True, slots=True)
class Record:
    """What one instance knows of one election at one moment.

    `term` is the highest ever known there; the holder's own may be lower, after a sitting
    leader extended its lease to an instance that had heard of a later claim.
    """

    process: str
    version: Version
    state: State
    term: int = 0
    holder: Holder | None = None
    lease_ms: int = 0
    successor: str | None = None

    def names(self, holder: Holder | None) -> bool:
        """Whether this record is held by that very holder, term included."""
        return self.state is State.HELD and self.holder is not None and self.holder == holder
