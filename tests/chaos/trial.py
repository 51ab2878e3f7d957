"""What is put on trial in the lab: a program that is started, asked and ended as `leader agent` is.

Everything else about a run - nodes, wires, servers, faults, who looks on - is the same for all of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """A program that `python -m` starts with the words `agent --config FILE`."""

    name: str
    program: tuple[str, ...]
    """The module, and words of its own."""
    knows_others: bool = True
    """Each of its agents says which node leads, and not only whether its own does."""
    is_bent: bool = False
    """It breaks promises, and is to be found out."""

    @classmethod
    def bent(cls, mutant: str) -> "Trial":
        """Agents with that mutant of the protocol."""
        return cls(f"leader, {mutant}", ("tests.chaos.bent", mutant), is_bent=True)


LEADER = Trial("leader", ("leader",))
REDLOCK = Trial("Redlock", ("tests.chaos.peer",), knows_others=False)
