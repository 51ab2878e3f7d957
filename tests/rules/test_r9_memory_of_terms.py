"""Rule R9, memory of terms: a term is on disk before it is claimed, and never claimed twice."""

import pytest

from leader.protocol.calls import Renew, Take
from leader.protocol.events import Announced, SaveTerm, Send, TermSaved
from leader.protocol.record import LARGEST_TERM
from tests.rules.driver import LEASE_MS, WALL_MS, Disk, Driver, fresh, held, released


def test_the_term_is_on_disk_before_the_first_take_is_sent() -> None:
    """The order of effects: first the term is saved, then the instances are asked."""
    node = Driver()
    holder = node.claim()
    saved = node.effects.index(SaveTerm(holder.term, claims=True))
    takes = [
        position
        for position, effect in enumerate(node.effects)
        if isinstance(effect, Send) and isinstance(effect.call.operation, Take)
    ]
    assert saved < min(takes)


def test_no_take_is_sent_while_the_disk_is_busy() -> None:
    """It is the answer of the disk that lets the claim begin."""
    node = Driver()
    node.term_disk = Disk.HANGS
    node.answer_all(released())
    node.wait(LEASE_MS)
    assert node.did(SaveTerm)
    assert not node.calls(Take)


def test_the_answer_for_another_term_does_not_begin_a_claim() -> None:
    """That an earlier term is on disk says nothing about this one."""
    node = Driver()
    node.term_disk = Disk.HANGS
    node.answer_all(released())
    node.handle(TermSaved(node.did(SaveTerm)[-1].term - 1))
    assert not node.calls(Take)


def watching() -> Driver:
    """A candidate that has just seen another node renew everywhere."""
    node = Driver()
    node.answer_all(held(1))
    return node


def test_a_named_successor_saves_its_term_at_the_first_release() -> None:
    """The disk works while the others are told: the claim begins with a majority, and saves no more."""
    node = watching()
    node.notice("x", released(2, successor="a"))
    assert node.did(SaveTerm)[-1] == SaveTerm(WALL_MS, claims=True)
    assert not node.calls(Take)
    saved = len(node.did(SaveTerm))
    node.notice("y", released(2, successor="a"))
    assert {take.holder.term for take in node.operations(Take)} == {WALL_MS}
    assert len(node.did(SaveTerm)) == saved


def test_a_successor_that_has_seen_too_few_clocks_saves_no_term_yet() -> None:
    """The only one may be an hour ahead, and what is saved is the least that it claims from then on."""
    node = Driver()
    node.answer("x", held(1), wall_ms=WALL_MS + 3_600_000)
    node.notice("x", released(2, successor="a"))
    assert max(save.term for save in node.did(SaveTerm)) < WALL_MS
    node.answer("y", held(1))
    node.notice("y", released(2, successor="a"))
    assert {take.holder.term for take in node.operations(Take)} == {WALL_MS}


def test_a_successor_that_is_announced_saves_its_term_before_anything_is_released() -> None:
    """The old leader still leads meanwhile; if it comes to nothing, that was all."""
    node = watching()
    node.handle(Announced())
    assert node.did(SaveTerm)[-1] == SaveTerm(WALL_MS, claims=True)
    node.wait(LEASE_MS // 6)
    assert not node.calls(Take)
    saved = len(node.did(SaveTerm))
    for name in ("x", "y", "z"):
        node.notice(name, released(2, successor="a"))
    assert {take.holder.term for take in node.operations(Take)} == {WALL_MS}
    assert len(node.did(SaveTerm)) == saved


def test_a_leader_that_is_announced_as_successor_does_nothing() -> None:
    """Whoever says so is wrong, or late."""
    node = Driver()
    node.lead()
    did = len(node.effects)
    node.handle(Announced())
    assert len(node.effects) == did
    assert node.leads()


def test_a_named_successor_waits_for_its_disk_as_any_candidate() -> None:
    """However early the term was to be saved, no request leaves before it is; and it is saved once."""
    node = watching()
    node.term_disk = Disk.HANGS
    for name in ("x", "y", "z"):
        node.notice(name, released(2, successor="a"))
    (saved,) = (effect for effect in node.did(SaveTerm) if effect.claims)
    assert not node.calls(Take)
    node.handle(TermSaved(saved.term))
    assert {take.holder.term for take in node.operations(Take)} == {saved.term}


def test_a_release_to_another_node_or_to_nobody_saves_nothing_yet() -> None:
    """Twenty candidates do not write to their disks at a hand-over between two of them."""
    for successor in ("c", None):
        node = watching()
        node.notice("x", released(2, successor=successor))
        assert not [effect for effect in node.did(SaveTerm) if effect.claims]


def test_a_term_that_was_saved_early_and_is_seen_elsewhere_is_not_claimed() -> None:
    """What was seen meanwhile counts: the claim has a higher one, which is saved before it begins (R2)."""
    node = watching()
    node.notice("x", released(2, successor="a"))
    early = node.did(SaveTerm)[-1].term
    node.answer("z", held(3, term=early))
    node.term_disk = Disk.HANGS
    node.notice("y", released(2, successor="a"))
    assert not node.calls(Take)
    assert node.did(SaveTerm)[-1] == SaveTerm(early + 1, claims=True)


def test_a_clock_that_was_set_back_while_the_term_was_saved_does_not_hold_up_the_claim() -> None:
    """The term that is needed then is lower than the one on disk, which is as good."""
    node = watching()
    node.term_disk = Disk.HANGS
    node.notice("x", released(2, successor="a"))
    early = node.did(SaveTerm)[-1].term
    for name in ("x", "y", "z"):
        node.wait(LEASE_MS // 3)
        node.answer(name, released(2, successor="a"), wall_ms=WALL_MS - 500)
    node.handle(TermSaved(early))
    claimed = {take.holder.term for take in node.operations(Take)}
    assert claimed
    assert max(claimed) < early


def test_no_term_beyond_the_exact_numbers_is_saved_early() -> None:
    """The file of terms holds none either."""
    node = Driver(highest_term=LARGEST_TERM)
    node.answer_all(held(1))
    node.notice("x", released(2, successor="a"))
    assert not node.did(SaveTerm)


def test_an_instance_that_falls_silent_while_the_term_is_saved_ends_the_claim() -> None:
    """A slow disk takes its time: whether a majority answers is asked again before the first request."""
    node = Driver()
    node.term_disk = Disk.HANGS
    node.answer_all(released(), "x", "y")
    node.wait(LEASE_MS // 3)
    node.miss("y")
    node.handle(TermSaved(node.did(SaveTerm)[-1].term))
    assert not node.calls(Take)


def test_a_claim_whose_term_is_seen_while_it_is_saved_begins_anew_with_a_higher_one() -> None:
    """A term is above every one that was seen when the first request leaves, not when it was chosen (R2)."""
    node = Driver()
    node.term_disk = Disk.HANGS
    node.answer_all(released(), "x", "y")
    chosen = node.did(SaveTerm)[-1].term
    node.answer("z", held(term=chosen))
    node.handle(TermSaved(chosen))
    assert not node.calls(Take)
    assert node.did(SaveTerm)[-1].term > chosen


def test_a_node_whose_disk_fails_does_not_claim() -> None:
    """Without memory there is no claim; it tries the disk again, once a beat and not in a loop."""
    node = Driver()
    node.term_disk = Disk.FAILS
    node.answer_all(released())
    node.wait(10 * LEASE_MS)
    assert not node.calls(Take)
    assert 10 <= len(node.did(SaveTerm)) <= 40


def test_a_leader_whose_disk_fails_goes_on_renewing() -> None:
    """What is held needs no new term, so a full disk costs no leadership."""
    node = Driver()
    node.lead()
    node.prompt = {"x", "y"}
    node.term_disk = Disk.FAILS
    node.answer("z", held(term=WALL_MS + 1000))
    assert node.did(SaveTerm)[-1].term == WALL_MS + 1000
    node.wait(5 * LEASE_MS)
    assert node.leads()
    assert len(node.calls(Renew, "x")) >= 14


def test_a_term_is_never_claimed_twice() -> None:
    """A claim without any answer taught it nothing, and still the next one has another term."""
    node = Driver()
    node.answer_all(fresh())
    for _ in range(20):
        node.wait(LEASE_MS)
        node.answer_all(fresh())
    claims = {take.holder.term for take in node.operations(Take)}
    assert len(claims) == len(node.calls(Take, "x")) > 3


def test_a_restarted_node_claims_above_what_it_saved() -> None:
    """The state directory remembers a term that every instance and clock has forgotten."""
    remembered = WALL_MS + 5000
    node = Driver(highest_term=remembered)
    assert node.claim().term == remembered + 1


def test_every_term_that_is_seen_is_saved() -> None:
    """Also of an election that another node wins."""
    node = Driver()
    node.answer("x", held(term=4610))
    assert node.did(SaveTerm) == [SaveTerm(4610)]


def test_a_notice_teaches_a_term_too() -> None:
    """Terms are learnt from published records as from answers."""
    node = Driver()
    node.answer("x", held(1))
    node.notice("x", held(2, term=4610))
    assert node.did(SaveTerm)[-1] == SaveTerm(4610)


def test_every_call_carries_the_highest_term_that_is_known() -> None:
    """So the instances learn it: a term that one of them knew reaches the others."""
    node = Driver()
    node.answer("x", held(term=4610))
    node.wait(LEASE_MS // 3)
    assert {asked.call.known_term for asked in node.asked[-3:]} == {4610}


@pytest.mark.parametrize("known", [LARGEST_TERM - 1, LARGEST_TERM])
def test_terms_stay_where_lua_counts_exactly(known: int) -> None:
    """At the end of the exact numbers a node claims no more, and does not spin."""
    node = Driver(highest_term=known)
    node.answer_all(released())
    node.wait(3 * LEASE_MS)
    assert all(take.holder.term <= LARGEST_TERM for take in node.operations(Take))
    assert len(node.did(SaveTerm)) <= 1
