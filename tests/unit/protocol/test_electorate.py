"""What a candidate knows of the quorum and of the others."""

from dataclasses import replace

from leader.protocol.calls import Answer, Configuration, Observe, Verdict
from leader.protocol.electorate import TEN_YEARS_MS, Electorate
from leader.protocol.events import NS_PER_MS, Candidate, Replied
from leader.protocol.quorum import Voters
from leader.protocol.record import LARGEST_TERM, Holder, Record, State, Version

LEASE_MS = 1000
LEASE_NS = LEASE_MS * NS_PER_MS
WALL_MS = 1_790_000_000_000
CONFIGURATION = Configuration(1, "list", LEASE_MS)
HOLDER = Holder("b", "b-1", 7)


def made(instances: str = "xyz", known_term: int = 0) -> Electorate:
    """An electorate of instances of one letter each."""
    return Electorate(Voters((tuple(instances),)), CONFIGURATION, known_term, 0)


def show(
    electorate: Electorate,
    name: str,
    state: State = State.FRESH,
    *,
    term: int = 0,
    wall_ms: int = WALL_MS,
    now: int = 0,
) -> None:
    """Let an instance show a record; a released one names c as successor."""
    witness = electorate.witnesses[name]
    holder = None if state is State.FRESH else HOLDER
    successor = "c" if state is State.RELEASED else None
    record = Record(f"p{name}", Version(1, "n"), state, term, holder, 0, successor)
    witness.ask(f"{name}{now}", Observe(), now)
    reply = Replied(
        name, f"{name}{now}", record.process, wall_ms, WALL_MS, None, "", Answer(Verdict.OBSERVED, record)
    )
    witness.hear(reply, now)
    electorate.learn_reply(witness, reply)
    electorate.learn_term(witness, record)


def test_the_election_opens_when_the_q_th_record_may_be_taken() -> None:
    """Not at the first, and not before a majority answers."""
    electorate = made()
    show(electorate, "x", now=0)
    assert electorate.opens_at() is None
    show(electorate, "y", now=300)
    assert electorate.opens_at() == 300 + LEASE_NS
    show(electorate, "z", State.RELEASED, now=400)
    assert electorate.opens_at() == LEASE_NS
    assert [w.name for w in electorate.takeable(LEASE_NS)] == ["x", "z"]


def test_the_next_term_is_above_what_was_seen_and_not_below_the_clocks() -> None:
    """The greater of the two."""
    electorate = made()
    assert electorate.next_term() == 1
    show(electorate, "x", term=WALL_MS - 5)
    assert electorate.next_term() == WALL_MS
    show(electorate, "y", term=WALL_MS + 20)
    assert electorate.next_term() == WALL_MS + 21


def test_a_term_within_ten_years_is_believed_one_beyond_is_not() -> None:
    """Counted from the agent's own clock, or from the instances' if those are ahead."""
    electorate = made()
    show(electorate, "x", term=WALL_MS + TEN_YEARS_MS)
    assert electorate.known_term == WALL_MS + TEN_YEARS_MS
    show(electorate, "y", term=WALL_MS + TEN_YEARS_MS + 1)
    assert electorate.known_term == WALL_MS + TEN_YEARS_MS
    assert [w.name for w in electorate.takeable(LEASE_NS)] == ["x"]


def test_the_clocks_of_a_majority_can_make_a_far_term_believable() -> None:
    """An agent whose own clock stands in the past follows the instances."""
    electorate = made()
    ahead = WALL_MS + 2 * TEN_YEARS_MS
    for name in "xy":
        show(electorate, name, wall_ms=ahead)
    show(electorate, "z", term=ahead, wall_ms=ahead)
    assert electorate.known_term == ahead


def test_a_term_that_was_believed_once_stays_believed() -> None:
    """The state directory's word counts."""
    known = WALL_MS + 3 * TEN_YEARS_MS
    electorate = made(known_term=known)
    show(electorate, "x", term=known)
    assert electorate.witnesses["x"].believed


def test_the_last_exact_number_is_never_learnt() -> None:
    """Else there would be no next term."""
    electorate = made()
    for name in "xyz":
        show(electorate, name, wall_ms=2**53)
    show(electorate, "x", term=LARGEST_TERM, wall_ms=2**53, now=1)
    assert electorate.known_term == 0


def candidate(node: str, priority: int = 100, processes: tuple[tuple[str, str], ...] = ()) -> Candidate:
    """A live candidate."""
    return Candidate(node, priority, True, True, 0, processes)


def test_a_better_candidate_is_waited_for_a_worse_one_is_not() -> None:
    """A step for each that goes before."""
    electorate = made()
    electorate.learn_candidates((candidate("b", 200), candidate("c", 50)), 0)
    assert electorate.courtesy_ns("default", "a", 100, 0) == 10 * NS_PER_MS
    assert electorate.courtesy_ns("default", "a", 300, 0) == 0


def test_the_node_whose_record_runs_out_is_not_waited_for() -> None:
    """It is the one that has gone; one that took a record just now has not."""
    electorate = made()
    show(electorate, "x", State.HELD)
    rival = replace(candidate("b", 200), seen_at=LEASE_NS)
    electorate.learn_candidates((rival,), LEASE_NS)
    assert electorate.courtesy_ns("default", "a", 100, LEASE_NS - 1) > 0
    assert electorate.courtesy_ns("default", "a", 100, LEASE_NS) == 0


def test_only_the_newest_release_names_a_successor() -> None:
    """An instance that missed what came later may keep an older one."""
    electorate = made()
    for number, name in enumerate("xyz"):
        show(electorate, name, State.RELEASED)
        witness = electorate.witnesses[name]
        assert witness.record is not None
        holder, successor = Holder("b", "b-1", 8 - number), "dc"[min(number, 1)]
        witness.record = replace(witness.record, holder=holder, successor=successor)
    assert electorate.successors() == {"d"}


def test_the_successor_goes_at_once_and_the_others_hold_back() -> None:
    """For a tenth of the lease."""
    electorate = made()
    show(electorate, "x", State.RELEASED)
    assert electorate.courtesy_ns("default", "c", 1, 0) == 0
    assert electorate.courtesy_ns("default", "a", 100, 0) == LEASE_NS // 10


def test_two_servers_behind_one_name_contest_it_after_a_lease() -> None:
    """And not any more once it is mended."""
    electorate = made()
    show(electorate, "x")
    electorate.learn_candidates((candidate("b", processes=(("x", "another"),)),), 0)
    assert electorate.contested(LEASE_NS - 1) == []
    assert electorate.contested(LEASE_NS) == ["x"]
    electorate.learn_candidates((candidate("b", processes=(("x", "px"),)),), LEASE_NS - 1)
    assert electorate.contested(2 * LEASE_NS) == []
