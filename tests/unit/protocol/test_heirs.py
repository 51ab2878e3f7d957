"""Whom a leader would hand over to: the best-ranked able node, or the one asked for, or a sentence."""

from dataclasses import replace

import pytest

from leader.protocol.events import NS_PER_MS, Candidate, RegistrySeen
from leader.protocol.heirs import Heir
from tests.rules.driver import LEASE_MS, Driver, held

LEASE_NS = LEASE_MS * NS_PER_MS
ABLE = Candidate("b", 100, contends=True, sees_majority=True, seen_at=0)


def ask(to: str | None, *candidates: Candidate, seen_ms_ago: int = 0) -> Heir:
    """What a leader answers that sees these other nodes."""
    node = Driver()
    node.lead()
    now = round(node.now_ms * NS_PER_MS)
    node.handle(RegistrySeen(tuple(replace(c, seen_at=now - seen_ms_ago * NS_PER_MS) for c in candidates)))
    return node.elector.heir(to, now)


def test_the_best_ranked_able_node_would_be_named() -> None:
    """Priority goes first; a better one that cannot lead is passed over."""
    weak, strong = replace(ABLE, priority=50), replace(ABLE, node="c")
    strongest = replace(ABLE, node="d", priority=200, sees_majority=False)
    assert ask(None, weak, strong, strongest) == Heir("c")


def test_the_node_that_is_asked_for_would_be_named() -> None:
    """Even if another one ranks before it."""
    assert ask("b", replace(ABLE, priority=50), replace(ABLE, node="c")) == Heir("b")


@pytest.mark.parametrize(
    ("candidate", "sentence"),
    [
        (replace(ABLE, priority=0), "b only observes: its priority is 0"),
        (replace(ABLE, contends=False, paused=True, reason="kernel"), "b is paused: kernel"),
        (replace(ABLE, contends=False, paused=True), "b is paused"),
        (replace(ABLE, contends=False, fit=False, reason="load 9.1"), "b is unfit: load 9.1"),
        (replace(ABLE, contends=False), "b does not contend: `leader status` there says why"),
        (replace(ABLE, sees_majority=False), "b does not reach a majority of the instances"),
    ],
)
def test_a_node_that_cannot_lead_is_refused_with_the_reason(candidate: Candidate, sentence: str) -> None:
    """The same sentence stands alone, and in the list of all when nobody was named."""
    assert ask("b", candidate) == Heir("", sentence)
    assert ask(None, candidate) == Heir("", f"no other node is able to lead: {sentence}")


def test_a_node_not_seen_for_a_lease_is_refused() -> None:
    """How long ago it was seen is said; a moment before that, it is named."""
    assert ask("b", ABLE, seen_ms_ago=LEASE_MS) == Heir("", "b was last seen 12 s ago")
    assert ask("b", ABLE, seen_ms_ago=LEASE_MS - 1) == Heir("b")


def test_an_unknown_node_and_this_node_itself_are_refused() -> None:
    """Whoever mistypes a name sees the right ones."""
    others = (ABLE, replace(ABLE, node="c"))
    assert ask("x", *others).refusal == "no other node of default is called x: the others are b, c"
    assert ask("x").refusal == "no other node of default is called x: the others are none"
    assert ask("a", *others).refusal == "a is the node that leads default already"
    assert ask(None) == Heir("", "there is no other node")


def test_a_node_that_does_not_lead_says_who_does() -> None:
    """As far as a majority of the instances names somebody."""
    node = Driver()
    assert node.elector.heir(None, 0).refusal == "a does not lead default: nobody does"
    node.answer_all(held())
    assert node.elector.heir("c", 0).refusal == "a does not lead default: b does"
