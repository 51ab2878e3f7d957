"""One holder's life."""

import pytest

from leader.protocol.calls import Configuration, Observe, Operation, Release, Renew, Resume, Take
from leader.protocol.events import NS_PER_MS
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder, Version
from leader.protocol.tenure import COLLECTING, Stage, Tenure

LEASE_MS = 1000
VOTERS, CONFIGURATION = Voters((("x", "y", "z"),)), Configuration(1, "list", LEASE_MS)
OLD, HOLDER = Holder("a", "a-0", 7), Holder("a", "a-1", 7)
TAKE = Take(Version(1, "n"), HOLDER, LEASE_MS)
RENEW = Renew(HOLDER, LEASE_MS)
RESUME = Resume(OLD, "a-1", LEASE_MS)


def made(stage: Stage = Stage.CLAIMING) -> Tenure:
    """A tenure of three instances, all asked."""
    return Tenure(HOLDER, stage, 0, VOTERS, CONFIGURATION, ancestors=(OLD,), asked={"x", "y", "z"})


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("operation", [TAKE, RENEW, RESUME], ids=["take", "renew", "resume"])
def test_a_grant_counts_only_while_votes_are_collected(stage: Stage, operation: Operation) -> None:
    """In every other stage it is an observation."""
    assert made(stage).counts(operation) == (stage in COLLECTING)


@pytest.mark.parametrize(
    "operation",
    [
        Observe(),
        Release(HOLDER),
        Take(Version(1, "n"), Holder("a", "a-1", 6), LEASE_MS),
        Renew(OLD, LEASE_MS),
        Resume(OLD, "a-2", LEASE_MS),
        Resume(Holder("a", "a-9", 7), "a-1", LEASE_MS),
    ],
    ids=str,
)
def test_what_was_asked_for_another_holder_is_no_vote(operation: Operation) -> None:
    """Another term, another incarnation, or nothing that grants."""
    assert not made(Stage.LEADING).counts(operation)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in COLLECTING])
def test_giving_up_forgets_every_grant(stage: Stage) -> None:
    """So that nothing can be computed from them any more."""
    tenure = made(Stage.LEADING)
    tenure.grant("x", "px", 1)
    tenure.enter(stage, 5)
    assert not tenure.grants
    assert tenure.deadline is None


def test_it_leads_only_in_its_stage_and_before_its_deadline() -> None:
    """Both are needed."""
    tenure = made()
    tenure.grant("x", "px", 10)
    tenure.grant("y", "py", 20)
    deadline = 10 + 900 * NS_PER_MS
    assert not tenure.leads(30)
    tenure.enter(Stage.LEADING, 30)
    assert tenure.deadline == deadline
    assert tenure.leads(deadline - 1)
    assert not tenure.leads(deadline)


def test_an_older_grant_of_the_same_instance_is_dropped() -> None:
    """The newest sending is what counts, in whatever order the answers come."""
    tenure = made()
    tenure.grant("x", "px", 20)
    tenure.grant("x", "px", 10)
    assert tenure.grants["x"].sent_at == 20


def test_a_grant_takes_a_refusal_and_a_silence_back() -> None:
    """The instance votes after all."""
    tenure = made()
    tenure.refused.add("x")
    tenure.unknown.add("x")
    tenure.grant("x", "px", 1)
    assert not tenure.refused
    assert not tenure.unknown


def test_it_is_hopeless_when_too_few_are_left_to_answer() -> None:
    """Refusals and silences count, also a grant by a process that has already voted."""
    tenure = made()
    tenure.refused.add("x")
    assert not tenure.is_hopeless()
    tenure.unknown.add("y")
    assert tenure.is_hopeless()
    twice = made()
    twice.refused.add("z")
    twice.grant("x", "the one server", 1)
    twice.grant("y", "the one server", 1)
    assert twice.is_hopeless()
