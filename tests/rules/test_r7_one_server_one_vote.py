"""Rule R7, one server, one vote: grants count by process, and a name that is two servers stops claims."""

from leader.protocol.calls import Take
from leader.protocol.events import Bar, Barred, Candidate, RegistrySeen, SaveTerm, TermSaved, Unbarred
from tests.rules.driver import LEASE_MS, Disk, Driver, fresh, released

SURE_MS = LEASE_MS * 9 // 10


def test_two_grants_of_one_process_are_one_vote() -> None:
    """Two names that lead to one server do not make a majority of three."""
    node = Driver()
    for name in ("x", "y"):
        node.answer(name, fresh(process=f"{name} for now"))
    node.wait(LEASE_MS)
    node.grant("x", process="the one server")
    node.grant("y", process="the one server")
    assert not node.leads()


def test_two_records_of_one_process_open_nothing() -> None:
    """A claim needs a majority of servers to be takeable, not of names."""
    node = Driver()
    for name in ("x", "y"):
        node.answer(name, released(process="the one server"))
    node.wait(2 * LEASE_MS)
    assert not node.calls(Take)


def test_two_names_that_become_one_server_while_the_term_is_saved_end_the_claim() -> None:
    """The majority of servers is counted again before the first request of the claim."""
    node = Driver()
    node.term_disk = Disk.HANGS
    node.answer_all(released(), "x", "y")
    node.wait(LEASE_MS // 3)
    node.answer("y", released(process="process-x"))
    node.handle(TermSaved(node.did(SaveTerm)[-1].term))
    assert not node.calls(Take)


def test_a_name_that_comes_to_lead_to_another_server_does_not_count_twice() -> None:
    """At every computation of the deadline only the newest grant of a process counts."""
    node = Driver()
    node.lead()
    node.wait(LEASE_MS // 3)
    node.grant("x", process="process-y")
    node.grant("y", process="process-y")
    assert node.remaining_ms <= SURE_MS - LEASE_MS // 3


def neighbour(node: Driver, process: str, *, name: str = "z", contends: bool = True) -> RegistrySeen:
    """The registry, in which another agent says which process it sees at a name."""
    seen_at = round(node.now_ms * 1_000_000)
    return RegistrySeen((Candidate("b", 100, contends, True, seen_at, ((name, process),)),))


def test_a_name_that_is_two_live_servers_for_two_agents_stops_the_claim() -> None:
    """If two agents mean different servers by one name for a lease, their majorities need not meet."""
    node = Driver()
    node.answer_all(fresh())
    for _ in range(4):
        node.handle(neighbour(node, "another server"))
        node.wait(LEASE_MS // 3)
    assert not node.calls(Take)
    assert node.did(Barred) == [Barred(Bar.TWO_SERVERS, "z")], "it is told, once"


def test_the_claim_goes_on_once_both_agents_see_the_same_server() -> None:
    """A conflict that is mended holds nobody back."""
    node = Driver()
    node.answer_all(fresh())
    for _ in range(4):
        node.handle(neighbour(node, "another server"))
        node.wait(LEASE_MS // 3)
    node.handle(neighbour(node, "process-z", contends=False))
    assert len(node.did(Unbarred)) == 1
    node.wait(LEASE_MS // 3)
    assert node.calls(Take)


def test_a_restart_that_one_agent_saw_first_is_no_conflict() -> None:
    """For less than a lease two agents may see two processes at one name: one of them is late."""
    node = Driver()
    node.answer_all(fresh())
    node.wait(LEASE_MS - 10)
    node.handle(neighbour(node, "restarted", contends=False))
    node.wait(20)
    assert node.calls(Take)


def test_an_old_sight_of_an_instance_that_is_silent_now_is_no_conflict() -> None:
    """A server that this node cannot reach may have been restarted: only what both see *now* can differ."""
    node = Driver()
    node.answer_all(fresh())
    node.wait(LEASE_MS // 3)
    node.miss("z")
    for _ in range(3):
        node.handle(neighbour(node, "restarted", contends=False))
        node.wait(LEASE_MS // 3)
    assert node.calls(Take)
