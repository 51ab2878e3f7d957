"""What nodes tell each other through the quorum."""

import tracemalloc
from dataclasses import replace

import pytest

from leader.agent.registry import Entry, Registry, decode, encode
from leader.protocol.calls import Registration
from leader.protocol.events import NS_PER_MS

SECOND = 1_000 * NS_PER_MS
MEGABYTE = 2**20
ENTRY = Entry(
    node="b",
    version="1",
    generation=3,
    started_ms=1_790_000_000_000,
    incarnation="i",
    contends=True,
    sees_majority=True,
    priorities={"default": 50},
    roles={"default": "candidate"},
    processes={"10.0.0.1:6379/0": "p1"},
)


def test_an_entry_reads_as_it_was_written() -> None:
    """Encoding loses nothing."""
    assert decode("b", encode(ENTRY)) == ENTRY


ENDLESS = encode(ENTRY).replace("50", "1e999")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '"x"', '{"version": 1}', ENDLESS, "[" * 100_000])
def test_an_entry_of_an_unknown_kind_is_left_out(text: str) -> None:
    """Another version's text harms nobody."""
    assert decode("b", text) is None


def test_the_youngest_sight_of_a_node_counts() -> None:
    """Of what several instances keep, the newest is believed."""
    registry = Registry()
    registry.learn("one", [Registration("b", 3_000, encode(ENTRY))], 10 * SECOND)
    registry.learn("two", [Registration("b", 1_000, encode(ENTRY))], 10 * SECOND)
    assert registry.nodes()["b"][0] == 9 * SECOND


def test_other_nodes_are_candidates_with_processes_under_our_names() -> None:
    """An instance's address is what two nodes have in common; its name is each node's own."""
    registry = Registry({"10.0.0.1:6379/0": "one"})
    registry.learn("one", [Registration("b", 0, encode(ENTRY))], SECOND)
    (candidate,) = registry.candidates("default", "a")
    assert (candidate.node, candidate.priority, candidate.processes) == ("b", 50, (("one", "p1"),))
    assert registry.candidates("default", "b") == ()
    assert registry.candidates("unknown", "a") == ()


def test_a_candidate_shows_why_it_cannot_lead() -> None:
    """So that whoever hands over can say it in one sentence."""
    registry = Registry()
    entry = replace(ENTRY, contends=False, paused=True, fit=False, reason="kernel")
    registry.learn("one", [Registration("b", 0, encode(entry))], SECOND)
    (candidate,) = registry.candidates("default", "a")
    assert (candidate.paused, candidate.fit, candidate.reason) == (True, False, "kernel")
    assert candidate.incarnation == ENTRY.incarnation


def test_a_node_that_an_instance_no_longer_keeps_is_gone() -> None:
    """A clean farewell empties the registry at once."""
    registry = Registry()
    registry.learn("one", [Registration("b", 0, encode(ENTRY))], SECOND)
    registry.learn("one", [], SECOND)
    assert registry.views(SECOND) == ()


def test_a_node_that_says_that_it_has_left_is_gone_whatever_others_still_show() -> None:
    """The instances are read in turn: what another one showed before the farewell is older than that."""
    registry = Registry()
    registry.learn("one", [Registration("b", 0, encode(ENTRY))], SECOND)
    registry.learn("two", [Registration("b", 10, "")], 2 * SECOND)
    assert registry.views(2 * SECOND) == ()
    assert registry.candidates("default", "a") == ()
    registry.learn("three", [Registration("b", 0, encode(ENTRY))], 3 * SECOND)
    assert list(registry.nodes()) == ["b"]


def test_a_text_that_another_instance_has_shown_is_not_read_again() -> None:
    """All instances show the same texts, three times a lease."""
    registry = Registry()
    registry.learn("one", [Registration("b", 3_000, encode(ENTRY))], 10 * SECOND)
    entry = registry.nodes()["b"][1]
    registry.learn("two", [Registration("b", 1_000, encode(ENTRY))], 10 * SECOND)
    assert registry.nodes()["b"] == (9 * SECOND, entry)
    assert registry.nodes()["b"][1] is entry


def test_what_no_instance_shows_any_more_is_forgotten() -> None:
    """A node registers something new again and again, for months: no more is kept than its last word."""
    registry = Registry()
    tracemalloc.start()
    try:
        for number in range(1200):
            text = encode(replace(ENTRY, incarnation=str(number), reason="x" * 2000))
            registry.learn("one", [Registration("b", 0, text)], SECOND)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < MEGABYTE
