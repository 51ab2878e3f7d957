"""What `leader status` shows of a read model."""

from dataclasses import replace

from rich.console import Console

from leader.cli.output import plain
from leader.protocol.snapshot import AgentView, ElectionView
from leader.tui.status import explanation, overview
from tests.unit.tui.examples import CLUSTER, DEFAULT, LED, REPORTS, node


def told(view: AgentView = CLUSTER) -> str:
    """The whole cluster as plain text."""
    return plain(overview(view))


def explained(election: ElectionView, view: AgentView = CLUSTER) -> str:
    """One election as plain text."""
    return plain(explanation(view, election))


def row(text: str, first: str) -> list[str]:
    """The columns of the line that begins with a word, by the gaps of two blanks."""
    (line,) = (line for line in text.splitlines() if line.split("  ")[0] == first)
    return [column.strip() for column in line.split("  ") if column.strip()]


def test_the_first_lines_tell_cluster_node_and_how_many_instances_may_still_fail() -> None:
    """What somebody who was woken up wants to know first."""
    first, second, *_ = told().splitlines()
    assert first == "cluster prod, node web-2: lease 10s, generation 3, leader 0.1.0"
    assert second == "4 of 5 instances answer; 1 more may fail"


def test_each_election_has_its_leader_term_and_why_this_node_does_not_lead() -> None:
    """One line for each election."""
    assert row(told(), "default") == [
        "default", "web-1", "1790000000000", "candidate", "3m12s", "-", "web-1 leads",
    ]  # fmt: skip
    assert row(told(), "reports")[1] == "nobody"
    assert row(told(), "reports")[-1] == "this node only observes: its priority is 0"


def test_the_lease_left_is_shown_where_this_node_leads() -> None:
    """Only the holder knows how long its lease is sure."""
    text = told(replace(CLUSTER, elections=(LED,)))
    assert row(text, "default") == ["default", "web-2", "1790000000000", "holder", "3m12s", "8.2s", "-"]


def test_an_instance_is_shown_with_its_record_round_trip_and_server() -> None:
    """Records of several elections that differ are told apart by the election's name."""
    assert row(told(), "a") == [
        "a", "default: held by web-1, reports: fresh", "0.42ms", "120ms ago", "Valkey 9.1.2", "-",
    ]  # fmt: skip


def test_a_dead_instance_is_shown_with_the_remedy() -> None:
    """The sentence of the problem stands in its line, whole."""
    assert row(told(), "e")[-1] == (
        "instance e does not answer at e:6379: start it, or mend the network between"
    )


def test_a_node_is_shown_with_its_roles_priority_version_and_when_it_was_seen() -> None:
    """And which one is asked."""
    assert row(told(), "web-2") == [
        "web-2", "default: candidate, reports: observer", "default: 100, reports: 0", "0.1.0", "900ms ago",
        "this node",
    ]  # fmt: skip


def test_what_keeps_a_node_from_leading_is_a_remark() -> None:
    """Paused, unfit, cut off: each is named."""
    bad = replace(node("web-9", "candidate"), paused=True, fit=False, sees_majority=False)
    text = told(replace(CLUSTER, nodes=(bad,)))
    assert row(text, "web-9")[-1] == "paused, unfit, sees no majority"


def test_without_nodes_there_is_no_table_of_nodes() -> None:
    """A registry that nobody could read yet is not an empty table."""
    assert "\nNODE " not in told(replace(CLUSTER, nodes=()))


def test_piped_text_is_plain_aligned_and_unwrapped() -> None:
    """No escape sequence, no trailing blanks, columns that begin below their titles."""
    text = told()
    assert "\x1b" not in text
    assert text.isascii()
    assert all(line == line.rstrip() for line in text.splitlines())
    heading = next(line for line in text.splitlines() if line.startswith("INSTANCE"))
    of_a = next(line for line in text.splitlines() if line.startswith("a "))
    assert heading.index("ROUND TRIP") == of_a.index("0.42ms")


def test_a_narrow_terminal_keeps_every_word_of_a_problem() -> None:
    """The last column is folded, the others are not."""
    console = Console(width=90, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(overview(replace(CLUSTER, elections=(DEFAULT,))))
    assert "\x1b[" in capture.get()
    assert "network" in capture.get()


def test_an_explanation_says_why_this_node_does_not_lead_and_when_it_could() -> None:
    """The first lines of `leader status ELECTION`."""
    assert explained(DEFAULT).splitlines()[:3] == [
        "election default: web-1 leads with term 1790000000000",
        "this node, web-2, does not lead it; it is a candidate for 3m12s now: web-1 leads",
        "it could take over in 8.1s, unless the lease is renewed",
    ]


def test_an_explanation_names_each_vote() -> None:
    """Who voted for whom, and for how long that record stands."""
    assert row(explained(DEFAULT), "a")[:6] == [
        "a", "held", "web-1", "1790000000000", "1.2s", "for web-1",
    ]  # fmt: skip
    assert row(explained(DEFAULT), "e")[:6] == ["e", "unknown", "-", "-", "-", "-"]


def test_the_leader_is_told_how_long_its_lease_lasts() -> None:
    """Its own votes count for it by name."""
    text = explained(LED)
    assert "this node, web-2, leads it for 3m12s now\nits lease lasts 8.2s more" in text
    assert row(text, "c")[5] == "for web-2"


def test_an_observer_is_told_nothing_of_taking_over() -> None:
    """It never will."""
    assert "take over" not in explained(REPORTS)
    assert explained(REPORTS).startswith("election reports: nobody leads\n")


def test_nobody_knows_when_it_could_take_over_while_too_few_answer() -> None:
    """It is said instead of left out."""
    unknown = replace(DEFAULT, takeover_in_ms=None, leader="")
    assert "when it could take over is unknown: too few instances answer" in explained(unknown)
