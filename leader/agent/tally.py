"""How often has what happened? Counts the agent's transitions for `/metrics`, as the journal tells them.

Its size is bounded: elections are those of the configuration, causes and kinds are few.
"""

from collections import Counter

from leader.agent.journal import Change, Journal
from leader.api.figures import INCIDENTS


class Tally:
    """Counts since the start of this process."""

    def __init__(self, journal: Journal) -> None:
        self.gained: Counter[str] = Counter()
        self.resumed: Counter[str] = Counter()
        self.lost: Counter[tuple[str, str]] = Counter()
        self.failed_claims: Counter[str] = Counter()
        self.incidents: Counter[str] = Counter()
        journal.subscribe(self._count)

    def _count(self, change: Change) -> None:
        event, election = str(change["event"]), str(change.get("election", ""))
        match event:
            case "gained":
                (self.resumed if change["resumed"] else self.gained)[election] += 1
            case "lost":
                self.lost[election, str(change["cause"])] += 1
            case "claim-failed":
                self.failed_claims[election] += 1
            case _ if event in INCIDENTS:
                self.incidents[event] += 1
            case _:
                pass
