"""What the agent counts of its own transitions."""

from leader.agent.journal import Journal
from leader.agent.tally import Tally


def test_transitions_are_counted_by_election_and_cause() -> None:
    """Gained or resumed, lost and why, claims that failed, what befell the process."""
    journal = Journal("a")
    tally = Tally(journal)
    journal.tell("gained", "", election="x", term=1, resumed=False)
    journal.tell("gained", "", election="x", term=1, resumed=True)
    journal.tell("lost", "", election="x", term=1, reason="", cause="paused")
    journal.tell("lost", "", election="y", term=1, reason="", cause="paused")
    journal.tell("lost", "", election="x", term=2, reason="", cause="paused")
    journal.tell("claim-failed", "", election="y", term=3)
    journal.tell("frozen", "", duration_ms=4000)
    journal.tell("clock-jumped", "", duration_ms=-4000)
    journal.tell("instance-lost", "", instance="i", kind="refused")
    assert (tally.gained, tally.resumed, tally.failed_claims) == ({"x": 1}, {"x": 1}, {"y": 1})
    assert tally.lost == {("x", "paused"): 2, ("y", "paused"): 1}
    assert tally.incidents == {"frozen": 1, "clock-jumped": 1}
