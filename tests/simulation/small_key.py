"""When are two states of the small world the same? When nothing that may follow can tell them apart.

Instants are counted from now, sequence numbers from the instance's own, nonces and processes in the order
in which they appear, terms by their rank, and the instances are sorted: so states that differ in names and
in the past alone are one. What only views or courtesy read is left out.
"""

from collections.abc import Hashable
from typing import assert_never

from leader.protocol.calls import Observe, Operation, Release, Renew, Resume, Take
from leader.protocol.events import NS_PER_MS
from leader.protocol.record import Holder, Record, Version
from leader.protocol.tenure import Stage, Tenure
from leader.protocol.witness import Witness
from tests.simulation.small_state import BEAT_NS, NAMES, WALL_MS, Agent, Message, World

LEASE_BEATS = 3
MOST_FAILURES = 2
"""From so many failed claims on, the back-off does not grow any more."""


def key_of(world: World) -> int:
    """A number that two states share if they are the same (and else hardly ever: 64 bits)."""
    terms = _ranks(world)
    instances = sorted(hash(_Place(world, index, terms).key()) for index in range(len(NAMES)))
    agents = tuple(_agent_key(world, agent, terms) for agent in world.agents)
    return hash((world.budget, agents, tuple(instances), terms.get(world.highest_led)))


def _ranks(world: World) -> dict[int, int]:
    """Terms below the clocks by their order, others by how far they are ahead."""
    seen = {0, world.highest_led}
    for agent in world.agents:
        seen.add(agent.highest_term)
        seen.update(holder.term for holder in agent.holders)
        if (elector := agent.elector) is None:
            continue
        seen.update((elector.electorate.known_term, elector._disk.highest_term))
        if elector.tenure is not None:
            seen.add(elector.tenure.holder.term)
        for witness in elector.electorate.witnesses.values():
            _see_record(witness.record, seen)
    for instance in world.instances:
        _see_record(instance.records.get("default"), seen)
    for data in world.snapshots:
        _see_record(data.records.get("default"), seen)
    for message in world.messages:
        seen.add(message.call.known_term)
        if not isinstance(message.call.operation, Observe):
            seen.add(message.call.operation.holder.term)
        if message.reply is not None:
            _see_record(message.reply.answers[0].record, seen)
    clock = WALL_MS + world.now // NS_PER_MS
    below = sorted(term for term in seen if term < clock)
    return {term: rank - len(below) for rank, term in enumerate(below)} | {
        term: term - clock for term in seen if term >= clock
    }


def _see_record(record: Record | None, seen: set[int]) -> None:
    if record is not None:
        seen.add(record.term)
        if record.holder is not None:
            seen.add(record.holder.term)


def _holder_key(holder: Holder | None, terms: dict[int, int]) -> Hashable:
    return None if holder is None else (holder.node, holder.incarnation, terms[holder.term])


def _agent_key(world: World, agent: Agent, terms: dict[int, int]) -> Hashable:
    disks = terms[agent.highest_term], tuple(_holder_key(holder, terms) for holder in agent.holders)
    elector = agent.elector
    if elector is None:
        return agent.starts, disks
    learnt = elector.electorate.known_term, elector._disk.highest_term
    return (
        agent.starts,
        disks,
        tuple(terms[term] for term in learnt),
        max(0, elector._hold_back_until - world.now),
        min(elector._failures, MOST_FAILURES),
        elector.allowed,
        None if elector.tenure is None else _tenure_key(world, elector.tenure, terms),
        frozenset(_holder_key(holder, terms) for holder in elector._withheld),
    )


def _tenure_key(world: World, tenure: Tenure, terms: dict[int, int]) -> Hashable:
    timed = tenure.stage in (Stage.CLAIMING, Stage.RESUMING)
    return (
        _holder_key(tenure.holder, terms),
        tenure.stage,
        world.now - tenure.began if timed else 0,
        tenure.yield_until - world.now if tenure.stage is Stage.YIELDING else 0,
        tuple(_holder_key(holder, terms) for holder in tenure.ancestors),
        tenure.successor,
    )


class _Place:
    """One instance, what both agents know of it, and what is on its way to or from it."""

    def __init__(self, world: World, index: int, terms: dict[int, int]) -> None:
        self.world = world
        self.index = index
        self.terms = terms
        self.name = NAMES[index]
        self.names: dict[str, int] = {}
        self.bases: dict[str, int] = {}

    def key(self) -> Hashable:
        instance = self.world.instances[self.index]
        older = (
            self.world.snapshots[self.index] if self.world.snapshots and self.world.budget.restarts else None
        )
        return (
            self.number(instance.process),
            self.record_key(instance.records.get("default")),
            instance.configuration is None,
            older and self.forgotten_key(older.records.get("default")),
            tuple(self.agent_key(agent) for agent in self.world.agents),
            tuple(self.message_key(message) for message in self.messages()),
        )

    def number(self, name: str) -> int:
        return self.names.setdefault(name, len(self.names))

    def sequence(self, process: str, version: Version) -> int:
        """Only the order counts, and that only among the versions of one process."""
        return version.sequence - self.bases.setdefault(process, version.sequence)

    def beats_ago(self, moment: int) -> int:
        """How many beats ago, none before a whole lease told apart."""
        return min((self.world.now - moment) // BEAT_NS, LEASE_BEATS)

    def record_key(self, record: Record | None) -> Hashable:
        if record is None:
            return None
        return (
            self.number(record.process),
            self.sequence(record.process, record.version),
            self.number(record.version.nonce),
            record.state,
            self.terms[record.term],
            _holder_key(record.holder, self.terms),
            record.lease_ms,
            record.successor,
        )

    def forgotten_key(self, record: Record | None) -> Hashable:
        """All that a new process keeps of an old record is its term."""
        return record and self.terms[record.term]

    def agent_key(self, agent: Agent) -> Hashable:
        elector = agent.elector
        if elector is None:
            return None
        witness = elector.electorate.witnesses[self.name]
        return self.witness_key(witness), elector.tenure and self.part_key(elector.tenure)

    def witness_key(self, witness: Witness) -> Hashable:
        return (
            self.record_key(witness.record),
            self.beats_ago(witness.standing_since),
            self.number(witness.process),
            witness.kept,
            witness.silent,
            witness.believed,
            witness.round_trip_ns > 0,
            witness.due - self.world.now,
        )

    def part_key(self, tenure: Tenure) -> Hashable:
        grant = tenure.grants.get(self.name)
        return (
            self.name in tenure.asked,
            grant and (self.number(grant.process), self.beats_ago(grant.sent_at)),
            self.name in tenure.refused,
            self.name in tenure.unknown,
        )

    def messages(self) -> list[Message]:
        here = [message for message in self.world.messages if message.instance == self.index]
        here.sort(
            key=lambda m: (
                m.agent,
                m.start,
                m.sent_at,
                type(m.call.operation).__name__,
                m.reply is None,
                m.overdue,
            )
        )
        return here

    def message_key(self, message: Message) -> Hashable:
        elector = self.world.agents[message.agent].elector
        witness = elector.electorate.witnesses[self.name] if elector else None
        return (
            message.agent,
            message.start,
            (self.world.now - message.sent_at) // BEAT_NS,
            message.overdue,
            self.terms[message.call.known_term],
            self.operation_key(message.call.operation),
            witness and (message.sent_at < witness.asked_at, message.sent_at < witness.standing_since),
            message.reply and self.reply_key(message),
        )

    def reply_key(self, message: Message) -> Hashable:
        assert message.reply is not None
        answer = message.reply.answers[0]
        return answer.verdict, self.number(message.reply.process), self.record_key(answer.record)

    def operation_key(self, operation: Operation) -> Hashable:
        match operation:
            case Observe():
                return "observe"
            case Take():
                return (
                    self.number(operation.expected.nonce),
                    _holder_key(operation.holder, self.terms),
                    operation.released,
                    operation.sitting,
                    operation.updates,
                )
            case Renew() | Release():
                return type(operation).__name__, _holder_key(operation.holder, self.terms)
            case Resume():
                return "resume", _holder_key(operation.holder, self.terms), operation.incarnation
            case _:
                assert_never(operation)
