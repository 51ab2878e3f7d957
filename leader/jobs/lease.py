"""Until when may a job run on this node? What the agent said last.

An answer counts from the moment before it was asked for (rule R6), so no pause of either side stretches it.
"""

from leader.errors import UnknownElection
from leader.fastpath import LEADS, Unknown, Usage, ask, judge
from leader.jobs.limit import Answer

NS_PER_MS = 1_000_000


class Lease:
    """One election as this process knows it: this node's term, and until when that is sure."""

    def __init__(self, path: str, election: str) -> None:
        self.path = path
        self.election = election
        self.term = 0
        self.sure_until_ns = 0
        self.why = ""
        """Why the last answer was not a yes, in words."""
        self._is_bound = False

    def bind(self) -> None:
        """From now on only this term counts: a job was started with it."""
        self._is_bound = True

    def ask(self, deadline_ns: int) -> Answer:
        """Whether this node leads, asked now.

        Raises:
            UnknownElection: there is none of that name.
        """
        try:
            status, headers, sent_ns = ask(self.path, self.election, deadline_ns)
            code, self.why = judge(self.election, status, headers, sent_ns, 0)
        except Usage as error:
            raise UnknownElection(str(error)) from None
        except Unknown as error:
            self.why = str(error)
            return Answer.UNKNOWN
        if code != LEADS:
            return Answer.LEADS_NOT
        term = int(headers["leader-term"])
        if self._is_bound and term != self.term:
            return Answer.OVER
        if term != self.term:
            self.term, self.sure_until_ns = term, 0
        until_ns = sent_ns + int(headers["leader-remaining-ms"]) * NS_PER_MS
        self.sure_until_ns = max(self.sure_until_ns, until_ns)
        return Answer.LEADS
