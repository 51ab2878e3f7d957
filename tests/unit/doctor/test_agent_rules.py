"""What an agent says of itself, against the file and the program that are here."""

from dataclasses import replace

import pytest

from leader.config.load import from_document
from leader.doctor.agent import AgentFacts, examine
from leader.protocol.snapshot import AgentView, HistoryView, IncidentView, PauseView

VERSION = "1.2.3"
CONFIG = from_document(
    {"cluster": "prod", "node": {"name": "a"}, "quorum": {"instances": ["redis://r1:6379"], "lease": "10s"}},
    "leader.toml",
)
VIEW = AgentView(
    cluster="prod",
    node="a",
    version=VERSION,
    lease_ms=10_000,
    generation=1,
    majority=1,
    tolerates=0,
    verdict="",
    pause=None,
    unfit="",
    elections=(),
    instances=(),
    nodes=(),
)


def of(view: AgentView, *incidents: IncidentView) -> AgentFacts:
    """What is known of an agent that says this."""
    return AgentFacts("/s", pid=7, uid=0, view=view, history=HistoryView((), incidents))


def frozen(ms_ago: int) -> IncidentView:
    """The agent stood still."""
    return IncidentView("frozen", "2026-01-31T12:00:00Z", ms_ago, 9000, "the agent stood still for 9 s")


@pytest.mark.parametrize(
    ("facts", "code", "remedy"),
    [
        (AgentFacts("/s", silence="no agent has a socket at /s: start it"), "agent-absent", "start it"),
        (of(replace(VIEW, version="1.0.0")), "agent-version", "reload it: systemctl reload leader"),
        (of(replace(VIEW, unfit="the disk at / is full")), "agent-unfit", "[fitness]"),
        (of(replace(VIEW, pause=PauseView("backup", "uid 0", "", None))), "agent-paused", "leader resume"),
        (of(VIEW, frozen(60_000)), "agent-frozen", "leader history"),
    ],
)
def test_each_fault_of_an_agent_is_told_with_its_remedy(facts: AgentFacts, code: str, remedy: str) -> None:
    """One finding, of that code, that says what to do."""
    (finding,) = examine(facts, VERSION, None)
    assert finding.code == code
    assert remedy in finding.remedy


def test_what_is_long_over_is_no_finding() -> None:
    """History has it."""
    assert examine(of(VIEW, frozen(2 * 60 * 60 * 1000)), VERSION, None) == []


def test_each_difference_from_the_file_is_named() -> None:
    """All in one finding, since one remedy mends them."""
    (finding,) = examine(of(replace(VIEW, lease_ms=4000, cluster="test")), VERSION, CONFIG)
    assert finding.code == "agent-configuration"
    assert "cluster test there, prod in the file" in finding.what
    assert "lease 4s there, 10s in the file" in finding.what
    assert "reload the agent" in finding.remedy
