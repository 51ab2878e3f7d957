"""What can go wrong, and with which exit code a command then ends.

    LeaderError                     1   something a person has to know; never raised itself
    ├── UsageError                  2   the command line, or a call of the library, is wrong
    │   └── UnknownElection         2   no election of that name; the message names those that exist
    ├── ConfigurationError         78   the file or the environment breaks a rule
    ├── AlreadyRunning             75   another agent holds the socket or the state directory
    ├── AgentUnreachable            3   no agent answers: down, hung, forbidden, or its answer too old
    │   └── Unanswered              3   it was asked and gave no answer: what was asked for may yet be done
    ├── LeadershipLost             75   work under a leadership may not go on: this node no longer has it
    ├── Undecided                  75   a tick was not claimed in time, and nobody can tell by whom else
    ├── Refused                     1   the agent or the operating system said no
    ├── TermNotSaved                1   a term could not be written to disk, so nothing is claimed with it
    └── InstanceError               1   no vote can be had from one instance

Every message is one sentence that says what happened, where, and what to do. Expected outcomes, such
as a refused call or a lost lease, are values of the protocol and not in this tree.
"""

from collections.abc import Iterable


class LeaderError(Exception):
    """The root: what is raised on purpose and shown to a person as one sentence."""

    exit_code = 1


class UsageError(LeaderError):
    """The command line, or a call of the library, is wrong."""

    exit_code = 2


class UnknownElection(UsageError):
    """There is no election of that name."""


class ConfigurationError(LeaderError):
    """The configuration breaks one rule or several; `problems` has a sentence for each."""

    exit_code = 78

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class AlreadyRunning(LeaderError):
    """Another agent holds the socket or the state directory."""

    exit_code = 75


class AgentUnreachable(LeaderError):
    """No answer of this node's agent can be had in time, so nothing is known."""

    exit_code = 3


class Unanswered(AgentUnreachable):
    """The agent was asked, and its answer was lost: whether it does what was asked for is not known."""


class LeadershipLost(LeaderError):
    """Work that belongs to one leadership may not go on: this node does not lead any more with that term."""

    exit_code = 75


class Undecided(LeaderError):
    """This call may not start its tick, and nobody can tell that another one has."""

    exit_code = 75


class Refused(LeaderError):
    """The agent, or the operating system, does not let the caller do this."""


class TermNotSaved(LeaderError):
    """A term could not be made durable (rule R9): the agent claims nothing, and renews what it holds."""


class InstanceError(LeaderError):
    """One instance gives no vote; the message says which and what would help."""
