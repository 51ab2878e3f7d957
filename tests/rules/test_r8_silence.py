"""Rule R8, silence is unknown: a call without an answer may have been carried out, or may yet be."""

from leader.protocol.calls import Observe, Release, Renew, Take, Verdict
from leader.protocol.events import ClaimFailed
from tests.rules.driver import LEASE_MS, Driver, fresh, held, released


def test_an_unknown_vote_is_not_a_grant() -> None:
    """A take that got no answer does not make a leader."""
    node = Driver()
    node.claim()
    node.grant("x")
    node.miss(node.calls(Take, "y")[0])
    assert not node.leads()


def test_an_unknown_vote_is_not_a_refusal() -> None:
    """The instance that did not answer a failed claim is released all the same."""
    node = Driver()
    node.claim()
    node.miss(node.calls(Take, "x")[0])
    assert node.did(ClaimFailed)[0].unknown == 1
    assert node.calls(Release, "x")


def test_a_late_grant_of_a_claim_under_way_counts() -> None:
    """A vote that was given up as unknown still counts if its answer comes in time, by its sending."""
    node = Driver()
    node.answer_all(fresh())
    node.wait(LEASE_MS)
    takes = {name: node.calls(Take, name)[0] for name in ("x", "y", "z")}
    node.miss(takes["x"])
    node.wait(LEASE_MS // 10)
    node.grant(takes["x"])
    node.grant(takes["y"])
    assert node.leads()


def test_a_late_grant_of_a_renewal_counts_by_its_sending() -> None:
    """A renewal that was given up as unknown extends the lease by what its sending is worth."""
    node = Driver()
    node.lead()
    node.wait(LEASE_MS // 3)
    late = [node.calls(Renew, name)[0] for name in ("x", "y")]
    for asked in late:
        node.miss(asked)
    node.wait(LEASE_MS // 3)
    for asked in late:
        node.grant(asked)
    assert node.remaining_ms == late[0].sent_ms + LEASE_MS * 9 // 10 - node.now_ms


def test_no_call_is_sent_twice_with_one_nonce() -> None:
    """Every call has a nonce of its own, repeated ones too."""
    node = Driver()
    node.lead()
    node.wait(3 * LEASE_MS)
    nonces = [asked.call.nonce for asked in node.asked]
    assert len(nonces) > 20
    assert len(set(nonces)) == len(nonces)


def test_an_answer_that_arrives_twice_counts_once() -> None:
    """The second one answers no call that is still open."""
    node = Driver()
    node.claim()
    take = node.calls(Take, "x")[0]
    node.grant(take)
    node.grant(take)
    assert not node.leads()


def test_a_claimed_record_whose_grant_was_lost_is_renewed_not_asked_for_in_a_loop() -> None:
    """If an observation shows the claim's own holder, one renewal makes it a vote."""
    node = Driver()
    node.wait(LEASE_MS // 3 - 100)
    holder = node.claim()
    node.grant("y")
    node.wait(100)
    node.answer(node.calls(Observe, "x")[-1], held(2, holder))
    [renewal] = node.calls(Renew, "x")
    node.grant(renewal)
    assert node.leads()


def test_every_write_names_what_it_expects() -> None:
    """What is executed late changes nothing but what it names: a version, or a holder."""
    node = Driver()
    holder = node.lead()
    assert all(take.expected == released().version for take in node.operations(Take))
    node.wait(0.9 * LEASE_MS)
    assert {renew.holder for renew in node.operations(Renew)} == {holder}
    assert {release.holder for release in node.operations(Release)} == {holder}


def test_a_refused_call_shows_the_record() -> None:
    """Every refusal is an observation: the taker watches what it was shown."""
    node = Driver()
    node.answer_all(held(1))
    node.wait(LEASE_MS)
    for name in ("x", "y"):
        node.answer(node.calls(Take, name)[0], held(2), Verdict.CHANGED)
    takes = len(node.calls(Take))
    node.wait(LEASE_MS - 1)
    assert len(node.calls(Take)) == takes
