"""The story, a function for each chapter: what happens, what must come of it, and how long it took.

A chapter raises `Failed` when its promise does not come true. It leaves the stage as it found it:
all agents and servers up, and somebody leading (the majority's two chapters together).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leader import clock
from leader.demo.stage import (
    EMPTIED,
    FINE_POLL_S,
    HUNG,
    INSTANCES,
    KILLED,
    LEASE_MS,
    NODES,
    START_WITHIN_MS,
    Failed,
    Lead,
    Stage,
    elapsed_ms,
)
from leader.tui.words import brief

MS_PER_SECOND = 1000
BEAT_MS = LEASE_MS // 3
CRASH_LIMIT_MS = LEASE_MS + BEAT_MS + 1000
"""One lease, a beat and a round trip, and a second for a busy machine."""
FIRST_LIMIT_MS = 2 * LEASE_MS + 1000
HAND_OVER_LIMIT_MS = 1000
NOTICE_LIMIT_MS = 2 * LEASE_MS
VOTE_LIMIT_MS = 2 * LEASE_MS + 1000
"""An instance that lost its data votes again after one lease, at the next beat."""
UNSURE_LIMIT_MS = LEASE_MS
FAULT_LASTS_MS = LEASE_MS * 11 // 10
"""Longer than a lease: who is not renewed meanwhile has lost it."""
ORDINARY_TICKS = 8


@dataclass(frozen=True, slots=True)
class Measure:
    """How long something took, and how long it may."""

    what: str
    took_ms: int
    limit_ms: int


@dataclass(frozen=True, slots=True)
class Chapter:
    """A title, and what is played under it."""

    title: str
    play: Callable[[Stage], Sequence[Measure]]


def election(stage: Stage) -> Sequence[Measure]:
    """Three agents start; after one lease, one of them leads."""
    stage.start_agents()
    stage.until("the agents' answers", stage.agents_answer, START_WITHIN_MS)
    started = clock.now_ns()
    stage.start_crontab()
    stage.tell(f"three agents run; servers without a record are watched for one lease, {brief(LEASE_MS)}")
    lead = stage.until("a first leader", stage.leader, FIRST_LIMIT_MS, poll_s=FINE_POLL_S)
    took = elapsed_ms(started)
    stage.tell(f"{lead.node} leads with term {lead.term}, {seconds(took)} later")
    return [Measure("three agents run to the first leader", took, FIRST_LIMIT_MS)]


def ordinary(stage: Stage) -> Sequence[Measure]:
    """Nothing is wrong: each tick runs once, on the leader."""
    lead = stage.wait_for_leader()
    runs = ran_through(stage, lead, first=stage.crontab.started, ticks=ORDINARY_TICKS)
    stage.tell(f"{runs} ticks of `leader is-leader && job` on every node: each ran once, on {lead.node}")
    return []


def crash(stage: Stage) -> Sequence[Measure]:
    """The leading agent is killed; another node leads within a lease, a beat and a round trip."""
    lead = stage.wait_for_leader()
    stage.nodes[lead.node].kill()
    killed = clock.now_ns()
    stage.tell(f"kill -9 of the agent on {lead.node}, which leads")
    new = next_leader(stage, lead, CRASH_LIMIT_MS)
    took = elapsed_ms(killed)
    stage.tell(f"{new.node} leads with term {new.term}, {seconds(took)} later")
    stage.rejoin(lead.node, new)
    stage.tell(f"{lead.node} is back, as a candidate")
    return [Measure("kill -9 of the leading agent to the next leader", took, CRASH_LIMIT_MS)]


def hand_over(stage: Stage) -> Sequence[Measure]:
    """The leading agent is told to end; it hands over at once.

    Between two ticks: a yes of `is-leader` may be older than a planned hand-over that followed it.
    """
    lead = stage.wait_for_leader()
    node = stage.nodes[lead.node]
    stage.until(
        "a moment between two ticks", stage.crontab.is_between_ticks, NOTICE_LIMIT_MS, poll_s=FINE_POLL_S
    )
    told = clock.now_ns()
    node.terminate()
    new = next_leader(stage, lead, HAND_OVER_LIMIT_MS)
    took = elapsed_ms(told)
    stage.tell(
        f"SIGTERM to the agent on {lead.node}: {new.node} leads with term {new.term}, {seconds(took)} later"
    )
    stage.until(f"the end of the agent on {lead.node}", node.ended, NOTICE_LIMIT_MS)
    stage.rejoin(lead.node, new)
    stage.tell(f"{lead.node} is back, as a candidate")
    return [Measure("SIGTERM to the leading agent to the next leader", took, HAND_OVER_LIMIT_MS)]


def one_killed(stage: Stage) -> Sequence[Measure]:
    """One server is killed and comes back with nothing: the leader stays."""
    return one_instance(stage, INSTANCES[0], KILLED, stage.kill_instance)


def one_hung(stage: Stage) -> Sequence[Measure]:
    """One server is stopped and goes on: the leader stays."""
    return one_instance(stage, INSTANCES[1], HUNG, stage.hang_instance)


def one_emptied(stage: Stage) -> Sequence[Measure]:
    """One server loses its data: the leader stays, and the server votes again after one lease."""
    return one_instance(stage, INSTANCES[2], EMPTIED, stage.empty_instance)


def one_instance(stage: Stage, name: str, what: str, harm: Callable[[str], None]) -> Sequence[Measure]:
    """Harm one instance, heal it, and see that it votes again; leader and term stay, no tick is lost."""
    lead = stage.wait_for_leader()
    first = stage.crontab.started
    stays = stage.stays(lead)
    harmed = clock.now_ns()
    harm(name)
    stage.tell(f"instance {name} is {what}")
    stage.until("the leader's notice", lambda: stage.is_missed(name, lead), NOTICE_LIMIT_MS, meanwhile=stays)
    if what != EMPTIED:
        stage.pass_time(FAULT_LASTS_MS, meanwhile=stays)
    healed = harmed if what == EMPTIED else clock.now_ns()
    stage.heal_instance(name)
    if what == KILLED:
        stage.until(
            "a new record", lambda: stage.has_lost_record(name, lead), NOTICE_LIMIT_MS, meanwhile=stays
        )
    stage.until("its vote", lambda: stage.votes_for(name, lead), VOTE_LIMIT_MS, meanwhile=stays)
    took = elapsed_ms(healed)
    runs = ran_through(stage, lead, first, ticks=0)
    when = "after that" if what == EMPTIED else "after it was back"
    stage.tell(
        f"nothing happened: {lead.node} leads with the same term, {runs} ticks ran; "
        f"instance {name} votes again, {seconds(took)} {when}"
    )
    return [Measure(f"one instance {what}: back to its vote", took, VOTE_LIMIT_MS)]


def majority_gone(stage: Stage) -> Sequence[Measure]:
    """Three of five servers are killed: before the lease is over, nobody leads, and no job runs."""
    lead = stage.wait_for_leader()
    gone = INSTANCES[: len(INSTANCES) // 2 + 1]
    killed = clock.now_ns()
    for name in gone:
        stage.kill_instance(name)
    stage.tell(f"instances {', '.join(gone)} are killed: no majority")
    stage.until(
        "nobody leading", lambda: stage.leader() is None, UNSURE_LIMIT_MS + BEAT_MS, poll_s=FINE_POLL_S
    )
    took = elapsed_ms(killed)
    first = stage.crontab.started
    stage.pass_time(LEASE_MS // 2, meanwhile=lambda: nobody_leads(stage))
    ticks = range(first, stage.crontab.finished)
    runs = stage.crontab.tally().count(ticks).runs
    if runs:
        raise Failed(f"{runs} jobs ran while nobody led")
    stage.tell(f"{lead.node} stopped leading {seconds(took)} later; {len(ticks)} ticks, no job ran")
    return [Measure("majority killed to nobody leading", took, UNSURE_LIMIT_MS)]


def back_again(stage: Stage) -> Sequence[Measure]:
    """The servers come back with nothing: after one lease somebody leads."""
    started = clock.now_ns()
    stage.heal()
    stage.tell("the three are back, with no data: they vote after one lease")
    lead = stage.until("a leader", stage.leader, VOTE_LIMIT_MS, poll_s=FINE_POLL_S)
    took = elapsed_ms(started)
    ran_through(stage, lead, first=stage.crontab.started, ticks=2)
    stage.tell(f"{lead.node} leads with term {lead.term}, {seconds(took)} later, and its jobs run")
    return [Measure("majority back to the next leader", took, VOTE_LIMIT_MS)]


STORY = (
    Chapter("an election", election),
    Chapter("jobs run on one node only", ordinary),
    Chapter("the leader's agent is killed", crash),
    Chapter("a planned hand-over", hand_over),
    Chapter("one instance killed", one_killed),
    Chapter("one instance hung", one_hung),
    Chapter("one instance emptied", one_emptied),
    Chapter("a majority killed", majority_gone),
    Chapter("the majority back again", back_again),
)


def seconds(milliseconds: int) -> str:
    """A measured time, to the hundredth of a second; below one, to the millisecond."""
    return f"{milliseconds} ms" if milliseconds < MS_PER_SECOND else f"{milliseconds / MS_PER_SECOND:.2f} s"


def next_leader(stage: Stage, old: Lead, within_ms: int) -> Lead:
    """Who leads after this one, asked of all the others.

    Raises:
        Failed: nobody, or with a term that is not greater.
    """
    others = [name for name in NODES if name != old.node]
    new = stage.until("a next leader", lambda: stage.leader(others), within_ms, poll_s=FINE_POLL_S)
    if new.term <= old.term:
        raise Failed(f"{new.node} leads with term {new.term}, after term {old.term}")
    return new


def nobody_leads(stage: Stage) -> None:
    """Check that nobody does.

    Raises:
        Failed: somebody does.
    """
    lead = stage.leader()
    if lead is not None:
        raise Failed(f"{lead.node} leads without a majority")


def ran_through(stage: Stage, lead: Lead, first: int, ticks: int) -> int:
    """How many ticks there were from this one on, at least so many, when each ran once, on the leader.

    Raises:
        Failed: one did not.
    """
    stage.until(
        "ticks",
        lambda: stage.crontab.finished >= first + ticks,
        START_WITHIN_MS,
        meanwhile=stage.stays(lead),
    )
    tally = stage.crontab.tally()
    over = range(first, stage.crontab.finished)
    for tick in over:
        if tally.nodes(tick) != [lead.node]:
            raise Failed(
                f"tick {tick} ran on {', '.join(tally.nodes(tick)) or 'no node'}, not on {lead.node}"
            )
    return len(over)
