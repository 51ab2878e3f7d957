"""Under which leadership was this program started? What `leader run` says in the environment.

Nothing here asks anybody.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from leader.errors import UsageError
from leader.protocol.snapshot import Leadership

MS_PER_S = 1000
POLL_S = 0.05
"""How soon an agent that has not resumed yet is asked again."""


@dataclass(frozen=True, slots=True)
class Token:
    """One leadership: an election and the term that this node had in it."""

    election: str
    term: int

    def doubt(self, answer: Leadership, for_s: float = 0) -> str:
        """Why work under this leadership may not go on for so many seconds, in words; empty if it may."""
        mine = f"{self.election} with term {self.term}"
        if not answer.leader:
            holder = f"{answer.holder or 'nobody'} does"
            return f"this node no longer leads {mine}; {holder}: stop, and let the next leader do it"
        if answer.term != self.term:
            return f"this node no longer leads {mine} but with {answer.term}: stop, and begin anew under it"
        if answer.remaining_ms < for_s * MS_PER_S:
            left = f"{answer.remaining_ms / MS_PER_S:.3f} s more"
            return f"this node leads {mine}, but only for {left}: ask for less than {for_s:g} s, or wait"
        return ""

    def may_come_back(self, answer: Leadership) -> bool:
        """Whether a no may only mean that the agent was restarted, and has not resumed yet."""
        return not answer.leader and answer.term <= self.term and answer.holder in ("", answer.node)


def token(environ: Mapping[str, str], election: str | None = None, term: int | None = None) -> Token:
    """What the caller names, and for the rest what the environment says.

    Raises:
        UsageError: there is no term, or the one in the environment is that of another election.
    """
    own = environ.get("LEADER_ELECTION")
    if term is not None:
        return Token(election or own or "default", term)
    if own and election and own != election:
        raise UsageError(
            f"LEADER_TERM is the term of {own!r} and not of {election!r}: leave out the election, "
            "or give the term"
        )
    text = environ.get("LEADER_TERM", "")
    if not (text.isascii() and text.isdecimal()):
        said = f"LEADER_TERM is {text!r} and no number" if text else "LEADER_TERM is not set"
        raise UsageError(f"{said}: start this program with `leader run`, or give the term")
    return Token(election or own or "default", int(text))


def term() -> int:
    """The term that this program was started under by `leader run`: the fencing token for what it writes.

    It is what the environment says, whether or not it is still so: `leader.check()` asks that.

    Raises:
        UsageError: the program was not started under a leadership.
    """
    return token(os.environ).term
