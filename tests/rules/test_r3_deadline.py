"""Rule R3, deadline: the Q-th newest sending of a granted request + 0.9 lease, each instance on its own."""

from leader.protocol.calls import Observe, Renew, Take, Verdict
from leader.protocol.events import Lost
from tests.rules.driver import LEASE_MS, Driver, fresh

SURE_MS = LEASE_MS * 9 // 10


def test_the_lease_is_sure_for_nine_tenths_from_the_sending() -> None:
    """Grants that took 300 ms to arrive are worth 300 ms less."""
    node = Driver()
    node.claim()
    node.wait(300)
    node.grant("x")
    node.grant("y")
    assert node.remaining_ms == SURE_MS - 300


def test_the_deadline_is_set_by_the_q_th_newest_sending() -> None:
    """One instance that goes on renewing does not keep a leader of three; two do."""
    node = Driver()
    node.lead()
    node.wait(LEASE_MS // 3 + 1)
    node.renew("x")
    assert node.remaining_ms == SURE_MS - node.now_ms
    node.renew("y")
    assert node.remaining_ms == SURE_MS - (node.now_ms - node.calls(Renew, "y")[-1].sent_ms)


def test_a_late_grant_counts_by_the_sending_of_its_own_request() -> None:
    """The answer to an older renewal that arrives after a newer one was sent does not count as the newer."""
    node = Driver()
    node.lead()
    node.wait(LEASE_MS // 3 + LEASE_MS // 5)
    first = [node.calls(Renew, name)[0] for name in ("x", "y")]
    assert node.calls(Renew, "x")[-1].sent_ms > first[0].sent_ms
    for asked in first:
        node.grant(asked)
    assert node.remaining_ms == SURE_MS - (node.now_ms - first[0].sent_ms)


def test_an_older_grant_does_not_shorten_a_newer_one() -> None:
    """Answers that arrive in the wrong order leave the newest sending standing."""
    node = Driver()
    node.lead()
    node.wait(LEASE_MS // 3 + LEASE_MS // 5)
    for name in ("x", "y"):
        first, *_, last = node.calls(Renew, name)
        node.grant(last)
        node.grant(first)
    sent = node.calls(Renew, "x")[-1].sent_ms
    assert node.remaining_ms == SURE_MS - (node.now_ms - sent)


def test_it_does_not_lead_from_the_deadline_on() -> None:
    """The last nanosecond before the deadline is the last of the leadership, with or without an event."""
    node = Driver()
    node.lead()
    node.pause(SURE_MS - 0.000001)
    assert node.leads()
    node.pause(0.000001)
    assert not node.leads()


def test_the_deadline_is_noticed_without_any_answer() -> None:
    """A leader that hears from nobody says that it lost, by being woken at its deadline."""
    node = Driver()
    node.lead()
    node.wait(SURE_MS)
    assert len(node.did(Lost)) == 1


def test_each_instance_is_renewed_three_times_a_lease() -> None:
    """An instance that answers is asked to renew once per beat, a third of the lease."""
    node = Driver()
    node.lead()
    for _ in range(6):
        node.wait(LEASE_MS / 3)
        node.renew("x", "y")
    assert len(node.calls(Renew, "x")) == 6


def test_a_renewal_without_an_answer_is_tried_again_after_a_tenth_of_the_lease() -> None:
    """The time-out is shorter than the beat, so a lost message costs little."""
    node = Driver()
    node.lead()
    node.wait(LEASE_MS // 3 + 1)
    [first] = node.calls(Renew, "x")
    node.wait(LEASE_MS // 10)
    assert [asked.sent_ms - first.sent_ms for asked in node.calls(Renew, "x")] == [0, LEASE_MS // 10]


def test_a_hung_instance_delays_nothing() -> None:
    """While one instance never answers, the others are renewed at every beat and the leadership stands."""
    node = Driver()
    node.answer_all(fresh())
    node.wait(LEASE_MS)
    for name in ("x", "y", "z"):
        node.grant(name)
    for beat in range(30):
        node.wait(LEASE_MS / 3)
        node.renew("x", "y")
        assert node.leads(), f"beat {beat}"
        assert node.now_ms - node.calls(Renew, "x")[-1].sent_ms < LEASE_MS / 10


def test_an_instance_that_forgot_the_holder_is_watched_and_taken_again() -> None:
    """A leader extends its lease to a restarted instance after a whole lease, as anyone would."""
    node = Driver()
    holder = node.lead()
    node.prompt = {"x", "y"}
    node.answer("z", fresh(process="restarted"))
    node.wait(LEASE_MS - 1)
    assert not node.calls(Take, "z")
    node.wait(1)
    [take] = node.operations(Take, "z")
    assert take.sitting
    assert take.holder == holder


def test_a_refused_renewal_leaves_the_older_grant_to_run_out() -> None:
    """That an instance forgot the holder ends nothing at once: its old grant is good for its time."""
    node = Driver()
    node.lead()
    node.wait(LEASE_MS // 3 + 1)
    node.answer(node.calls(Renew, "x")[0], fresh(9), Verdict.NOT_HOLDER)
    assert node.leads()
    assert node.remaining_ms == SURE_MS - node.now_ms
    node.wait(LEASE_MS // 10)
    assert isinstance(node.newest("x").call.operation, Observe), "it is not renewed any more"
