"""What `leader status` shows of a read model."""

from dataclasses import replace

from leader.cli.output import plain
from leader.protocol.snapshot import AgentView, ElectionView
from leader.tui.election import explanation
from leader.tui.status import overview
from tests.unit.tui.examples import CLUSTER, DEFAULT, LED, PAST, PAUSE, REPORTS, node


def told(view: AgentView = CLUSTER) -> str:
    """The whole cluster as plain text."""
    return plain(*overview(view))


def explained(election: ElectionView, view: AgentView = CLUSTER) -> str:
    """One election as plain text."""
    return plain(*explanation(view, election, PAST))


def row(text: str, first: str) -> list[str]:
    """The columns of the first line that begins with a word, by the gaps of two blanks."""
    line = next(line for line in text.splitlines() if line.split("  ")[0] == first)
    return [column.strip() for column in line.split("  ") if column.strip()]


def test_the_first_lines_tell_cluster_node_and_how_many_instances_may_still_fail() -> None:
    """What somebody who was woken up wants to know first."""
    first, second, *_ = told(replace(CLUSTER, elections=(DEFAULT,))).splitlines()
    assert first == "cluster prod, node web-2: lease 10s, generation 3, leader 0.1.0"
    assert second == "4 of 5 instances answer; 1 more may fail"


def test_the_verdict_names_elections_that_nobody_leads() -> None:
    """A few by name, the rest by their number."""
    vacant = tuple(replace(REPORTS, election=name) for name in "abcde")
    assert "1 more may fail; nobody leads reports" in told().splitlines()[1]
    assert told(replace(CLUSTER, elections=vacant)).splitlines()[1].endswith("leads a, b, c and 2 more")


def test_a_pause_of_this_node_stands_at_the_top() -> None:
    """Why, by whom, since when, how long still, and how it is ended."""
    sentence = (
        "this node, web-2, was paused by uid 0, pid 4711 at 2026-11-25T07:30:00Z "
        "for 22m more, or until `leader resume`: kernel upgrade"
    )
    assert told(replace(CLUSTER, pause=PAUSE)).splitlines()[2] == sentence
    endless = told(replace(CLUSTER, pause=replace(PAUSE, remaining_ms=None, reason=""))).splitlines()[2]
    assert endless.endswith("07:30:00Z until `leader resume`")


def test_each_election_has_its_leader_term_and_why_this_node_does_not_lead() -> None:
    """One line for each election; that another leads is said once, by its name."""
    assert row(told(), "default") == [
        "default", "web-1", "1790000000000", "candidate", "3m12s", "-", "-",
    ]  # fmt: skip
    assert row(told(), "reports")[1] == "nobody"
    assert row(told(), "reports")[-1] == "this node only observes: its priority is 0"


def test_the_lease_left_is_shown_where_this_node_leads() -> None:
    """Only the holder knows how long its lease is sure."""
    text = told(replace(CLUSTER, elections=(LED,)))
    assert row(text, "default") == ["default", "web-2", "1790000000000", "holder", "3m12s", "8.2s", "-"]


def test_an_instance_is_shown_with_its_vote_round_trips_and_server() -> None:
    """The median and the 99th percentile."""
    assert row(told(), "a") == ["a", "yes", "0.42ms", "1.20ms", "120ms ago", "Valkey 9.1.2", "-"]


def test_a_dead_instance_is_shown_with_the_remedy() -> None:
    """The sentence of the problem stands in its line, whole."""
    assert row(told(), "e")[1] == "no"
    assert row(told(), "e")[-1] == (
        "instance e does not answer at e:6379: start it, or mend the network between"
    )


def test_a_node_is_shown_with_what_it_leads_its_priority_vitals_and_when_it_was_seen() -> None:
    """Of several elections only those that it leads, and the range of its priorities."""
    assert row(told(), "web-1") == [
        "web-1", "default", "ready", "0-100", "900ms ago", "0.1.0", "0.40", "62%", "40% /", "-",
    ]  # fmt: skip
    assert row(told(), "web-2")[1] == "-"


def test_a_node_of_many_elections_is_shown_with_how_many_it_leads() -> None:
    """The number stands first, so that it is seen where the names are cut; who only observes is told so."""
    many = replace(node("web-9", "holder"), roles={"a": "holder", "b": "candidate", "c": "holder"})
    none = replace(node("web-8", "observer"), priority={})
    text = told(replace(CLUSTER, nodes=(none, many)))
    assert row(text, "web-9")[1] == "2: a, c"
    assert row(text, "web-8")[1:4] == ["observer", "ready", "-"]


def test_of_one_election_a_node_is_shown_with_its_role() -> None:
    """There is nothing to choose between."""
    text = told(replace(CLUSTER, elections=(DEFAULT,)))
    assert row(text, "NODE")[1] == "ROLE"
    assert row(text, "web-2")[1] == "candidate"


def test_what_keeps_a_node_from_leading_is_its_state_with_the_reason() -> None:
    """Paused, unfit, cut off, silent: the weightiest is named."""
    good = node("web-9", "candidate")
    for bad, state in (
        (replace(good, paused=True, fit=False, reason="upgrade"), "paused"),
        (replace(good, fit=False, sees_majority=False, reason="disk full"), "unfit"),
        (replace(good, sees_majority=False), "cut off"),
        (replace(good, seen_ms_ago=CLUSTER.lease_ms), "silent"),
    ):
        shown = row(told(replace(CLUSTER, nodes=(bad,))), "web-9")
        assert (shown[2], shown[-1]) == (state, bad.reason or "-")


def test_vitals_that_nobody_measured_are_dashes() -> None:
    """A node without fitness checks, and one without a disk to watch."""
    unknown = replace(node("web-9", "candidate"), vitals=None)
    assert row(told(replace(CLUSTER, nodes=(unknown,))), "web-9")[-4:] == ["-", "-", "-", "-"]


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
    assert heading.index("MEDIAN") == of_a.index("0.42ms")


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


def test_an_explanation_ranks_the_candidates_and_says_why_one_could_not_lead() -> None:
    """In the order in which they would claim an open election: by priority, then by a hash."""
    others = (
        node("web-1", "holder"),
        replace(node("best", "candidate", 200), paused=True, reason="upgrade"),
        replace(node("hot", "candidate", 90), fit=False, reason="load 9.0 per CPU"),
        replace(node("cut", "candidate", 80), sees_majority=False),
        replace(node("gone", "candidate", 70), seen_ms_ago=12_000),
        node("next", "candidate", 60),
        node("sees", "observer", 0),
    )
    text = explained(DEFAULT, replace(CLUSTER, nodes=others))
    table = text[text.index("RANK") :].splitlines()
    assert [row("\n".join(table), str(place))[1:] for place in range(1, 8)] == [
        ["best", "200", "900ms ago", "no", "paused: upgrade"],
        ["web-1", "100", "900ms ago", "leads", "-"],
        ["hot", "90", "900ms ago", "no", "unfit: load 9.0 per CPU"],
        ["cut", "80", "900ms ago", "no", "it sees no majority of the instances"],
        ["gone", "70", "12s ago", "no", "not seen for 12s, longer than a lease"],
        ["next", "60", "900ms ago", "yes", "-"],
        ["sees", "0", "900ms ago", "no", "it only observes: its priority is 0"],
    ]


def test_an_explanation_tells_the_last_leaderships_of_this_election() -> None:
    """Who, since when, for how long, how it ended, how long nobody led, and why."""
    text = explained(DEFAULT)
    last = text[text.index("BEGAN") :]
    assert row(last, "web-1") == [
        "web-1", "2026-11-25T07:00:00Z", "12m", "not yet", "-", "1790000000000", "-",
    ]  # fmt: skip
    assert row(last, "web-2") == [
        "web-2", "2026-11-24T07:00:00Z", "23h59m", "frozen", "for 11s", "1789999999999",
        "the agent stood still for 14 s",
    ]  # fmt: skip
    assert "web-7" not in text


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
