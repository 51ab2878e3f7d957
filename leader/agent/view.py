"""The read model of one agent, built at the moment of asking from electors, lanes and registry."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from leader.agent.lane import Lane
from leader.protocol.elector import Elector
from leader.protocol.electorate import Electorate
from leader.protocol.events import NS_PER_MS, Bar, Barred, Instant
from leader.protocol.record import Holder
from leader.protocol.snapshot import ElectionView, InstanceView, Leadership, NodeView, Role, VoteView
from leader.protocol.witness import Witness


def leadership(elector: Elector, now: Instant) -> Leadership:
    """Whether this node leads, and for how long that is sure (rule R6)."""
    remaining_ms = elector.remaining_ns(now) // NS_PER_MS
    leads = remaining_ms > 0 and elector.tenure is not None
    holder = elector.tenure.holder if leads and elector.tenure else None
    seen = None if leads else standing_holder(elector, now)
    return Leadership(
        election=elector.identity.election,
        node=elector.identity.node,
        leader=leads,
        term=holder.term if holder else seen.term if seen else 0,
        holder=holder.node if holder else seen.node if seen else "",
        remaining_ms=remaining_ms,
    )


def standing_holder(elector: Elector, now: Instant) -> Holder | None:
    """Who leads, by what a majority of the instances last showed; None when nobody does."""
    return elector.electorate.standing_holder(now)


def election_view(elector: Elector, now: Instant) -> ElectionView:
    """One election in detail, with the reason why this node does not lead it."""
    answer = leadership(elector, now)
    opens = elector.electorate.opens_at()
    barred = elector.electorate.bar(now)
    return ElectionView(
        election=answer.election,
        role=elector.role(now),
        leader=answer.holder,
        term=answer.term or elector.electorate.known_term,
        since_ms=max(0, now - elector.role_since) // NS_PER_MS,
        remaining_ms=answer.remaining_ms,
        priority=elector.identity.priority,
        preempt=elector.identity.preempt,
        reason="" if answer.leader else why_not(elector, answer, now),
        takeover_in_ms=None if opens is None or answer.leader else max(0, opens - now) // NS_PER_MS,
        votes=tuple(_vote(elector, witness, now) for witness in elector.electorate.witnesses.values()),
        barred=bar_sentence(barred) if barred else "",
    )


def _vote(elector: Elector, witness: Witness, now: Instant) -> VoteView:
    record = witness.record
    return VoteView(
        instance=witness.name,
        state=str(record.state) if record else "unknown",
        term=record.term if record else 0,
        holder=record.holder.node if record and record.holder else "",
        standing_ms=max(0, now - witness.standing_since) // NS_PER_MS if record else 0,
        granted=elector.tenure is not None and elector.tenure.relies_on(witness.name, now),
    )


def why_not(elector: Elector, answer: Leadership, now: Instant) -> str:
    """Why this node does not lead, in words; the first thing that stands in its way."""
    obstacle = _own_obstacle(elector, now) or _quorum_obstacle(elector.electorate, now)
    nobody = "nobody leads yet: the records must stand for one lease before they may be taken"
    return obstacle or (f"{answer.holder} leads" if answer.holder else nobody)


def _own_obstacle(elector: Elector, now: Instant) -> str:
    """What keeps this node from leading whatever the quorum says, or nothing."""
    if elector.role(now) is Role.OBSERVER:
        return "this node only observes: its priority is 0"
    if not elector.allowed:
        return elector.reason
    if elector.disk_fails(now):
        return "the state directory cannot be written, so this node claims nothing: see its log"
    return ""


def _quorum_obstacle(electorate: Electorate, now: Instant) -> str:
    """What is wrong between this node and the instances, or nothing."""
    answering = [witness.name for witness in electorate.witnesses.values() if not witness.silent]
    if (spare := electorate.voters.spare(answering)) < 0:
        return (
            f"{len(answering)} of {len(electorate.witnesses)} instances answer, at least {-spare} more must"
        )
    barred = electorate.bar(now)
    return bar_sentence(barred) if barred else ""


def bar_sentence(barred: Barred) -> str:
    """What forbids this node to claim, and what to do about it."""
    match barred.bar:
        case Bar.OTHER_CONFIGURATION:
            return (
                f"instance {barred.instance} keeps another list, lease or generation, written by node "
                f"{barred.node}: give all nodes the same [quorum]"
            )
        case Bar.TWO_SERVERS:
            return f"instance {barred.instance} is another server for another node: check its address on both"
        case _:
            assert_never(barred.bar)


def instance_view(lane: Lane, now: Instant) -> InstanceView:
    """One instance as this node sees it."""
    instance = lane.instance
    return InstanceView(
        name=instance.name,
        url=instance.url,
        votes=lane.answers(now),
        answered_ms_ago=None if lane.answered_at is None else (now - lane.answered_at) // NS_PER_MS,
        round_trip_ms=_milliseconds(lane.round_trips.median_ns),
        round_trip_p99_ms=_milliseconds(lane.round_trips.p99_ns),
        process=lane.process,
        server=instance.server,
        problem=lane.problem.sentence if lane.problem else "",
        errors=dict(lane.errors),
    )


def with_roles_now(nodes: Iterable[NodeView], elections: Iterable[ElectionView]) -> tuple[NodeView, ...]:
    """The nodes with their roles as of who leads, for what each has registered is up to a beat old."""
    leaders = {election.election: election.leader for election in elections}

    def role_now(node: str, election: str, registered: str) -> str:
        if leaders.get(election) == node:
            return Role.HOLDER
        return Role.CANDIDATE if election in leaders and registered == Role.HOLDER else registered

    return tuple(
        replace(node, roles={e: role_now(node.name, e, role) for e, role in node.roles.items()})
        for node in nodes
    )


def _milliseconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / NS_PER_MS, 3)
