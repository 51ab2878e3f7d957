"""What may happen next in the small world: every step from every state, for the exhaustive search.

In the normal case a request and its answer pass within the beat, in any order with all others; whatever else
happens to one is a fault and has to be paid from the budget.
"""

from collections.abc import Iterator
from dataclasses import replace

from leader.protocol.elector import Elector, Identity
from leader.protocol.events import (
    NS_PER_MS,
    Effect,
    EndJobs,
    Event,
    Gained,
    HolderSaved,
    JobsEnded,
    Noticed,
    Replied,
    SaveHolder,
    SaveTerm,
    Send,
    StepDownAsked,
    TermSaved,
    Ticked,
    Unanswered,
)
from leader.protocol.quorum import Voters
from tests.simulation.instance import NOTHING, ModelInstance, Request
from tests.simulation.small_state import (
    BEAT_NS,
    CONFIGURATION,
    NAMES,
    NODES,
    NUMBERS,
    OLDEST_NS,
    WALL_MS,
    Agent,
    BrokenPromiseError,
    Budget,
    Message,
    World,
    copy_elector,
    copy_instance,
    with_agent,
    with_instance,
)


def begin(budget: Budget) -> World:
    """An empty quorum, and two agents that have not started."""
    agents = tuple(Agent(node, 0, None) for node in NODES)
    world = World(0, agents, tuple(ModelInstance(name) for name in NAMES), (), budget)
    for index in range(len(agents)):
        world = _start(world, index)
    return world


def begin_led(budget: Budget) -> World:
    """The same a lease later: a leads with all three instances, and b has seen it."""
    world = begin(replace(budget, hand_overs=0, crashes=0, faults=0, restarts=0))
    while not world.messages or not _leads(world, 0):
        _, world = min(steps(world), key=lambda step: (step[0] == "a beat passes", step[0]))
    while world.messages:
        _, world = next(steps(world))
    return world._replace(budget=budget)


def steps(world: World) -> Iterator[tuple[str, World]]:
    """Everything that may happen next, with a name for it.

    Raises:
        BrokenPromiseError: one of them leads to what must not be.
    """
    for message in world.messages:
        yield from _message_steps(world, message)
    for index, agent in enumerate(world.agents):
        yield from _agent_steps(world, index, agent)
    if world.budget.restarts:
        yield from _restarts(world)
    yield from _advance(world)


# Messages.


def _message_steps(world: World, message: Message) -> Iterator[tuple[str, World]]:
    name = f"{NODES[message.agent]}'s {type(message.call.operation).__name__} at {NAMES[message.instance]}"
    listening = _is_listening(world, message)
    if message.reply is not None:
        yield f"{name}: the late answer arrives", _arrive(_without(world, message), message)
        return
    done, answered = _carry_out(world, message)
    if listening:
        yield f"{name} and its answer", _arrive(_published(done, answered), answered)
    if not listening:
        yield f"{name} is carried out late", done
    elif world.budget.faults:
        waiting = done._replace(messages=(*done.messages, answered))
        yield f"{name} is carried out, its answer is late", _paid(waiting, 1)


def _is_listening(world: World, message: Message) -> bool:
    agent = world.agents[message.agent]
    return agent.elector is not None and agent.starts == message.start


def _without(world: World, message: Message) -> World:
    return world._replace(messages=tuple(other for other in world.messages if other is not message))


def _paid(world: World, faults: int) -> World:
    return world._replace(budget=replace(world.budget, faults=world.budget.faults - faults))


def _carry_out(world: World, message: Message) -> tuple[World, Message]:
    """Execute a request; return the world without it, and the answer that is now on its way."""
    instance = copy_instance(world.instances[message.instance])
    request = Request(CONFIGURATION, NODES[message.agent], (message.call,))
    executed = instance.execute(request, WALL_MS + world.now // NS_PER_MS)
    answered = message._replace(reply=executed.reply)
    return with_instance(_without(world, message), message.instance, instance), answered


def _published(world: World, answered: Message) -> World:
    """Tell the other agent of a write, as a notice that arrives at once; one that is lost costs only time."""
    assert answered.reply is not None
    answer = answered.reply.answers[0]
    other = 1 - answered.agent
    if answer.verdict != "granted" or world.agents[other].elector is None:
        return world
    return _handle(world, other, Noticed(NAMES[answered.instance], answer.record))


def _arrive(world: World, answered: Message) -> World:
    reply = answered.reply
    assert reply is not None
    event = Replied(
        NAMES[answered.instance],
        answered.call.nonce,
        reply.process,
        reply.wall_ms,
        WALL_MS + world.now // NS_PER_MS,
        reply.configuration,
        reply.configured_by,
        reply.answers[0],
    )
    return _handle(world, answered.agent, event)


# Agents.


def _agent_steps(world: World, index: int, agent: Agent) -> Iterator[tuple[str, World]]:
    elector = agent.elector
    if elector is None:
        yield f"{agent.node} starts again", _start(world, index)
        return
    if elector.wake_at <= world.now:
        yield f"{agent.node} beats", _beat(world, index)
    if world.budget.crashes:
        yield f"{agent.node} crashes", _crash(world, index)
    if world.budget.hand_overs and elector.leads(world.now):
        paid = world._replace(budget=replace(world.budget, hand_overs=world.budget.hand_overs - 1))
        yield f"{agent.node} hands over", _handle(paid, index, StepDownAsked("asked"))


def _beat(world: World, index: int) -> World:
    """The agent's moment has come: it is told which calls got no answer, and that time has passed."""
    for message in world.messages:
        mine = message.agent == index and message.start == world.agents[index].starts
        if mine and not message.overdue and message.sent_at < world.now:
            told = tuple(m._replace(overdue=True) if m is message else m for m in world.messages)
            world = world._replace(messages=told)
            world = _handle(world, index, Unanswered(NAMES[message.instance], message.call.nonce))
    return _handle(world, index, Ticked())


def _start(world: World, index: int) -> World:
    agent = world.agents[index]
    identity = Identity(
        "default", agent.node, f"{agent.node}-{agent.starts + 1}", Voters((NAMES,)), CONFIGURATION
    )
    newest = max((holder.term for holder in agent.holders), default=0)
    elector = Elector(
        identity,
        world.now,
        random=NUMBERS,
        highest_term=agent.highest_term,
        resumable=tuple(holder for holder in agent.holders if holder.term == newest),
    )
    started = agent._replace(starts=agent.starts + 1, elector=elector)
    return _carry_out_effects(with_agent(world, index, started), index, elector.start(world.now))


def _crash(world: World, index: int) -> World:
    """End the process; what it has sent may still arrive, the answers to it do not."""
    crashed = with_agent(world, index, world.agents[index]._replace(elector=None))
    left = tuple(m for m in world.messages if m.agent != index or m.reply is None)
    budget = replace(world.budget, crashes=world.budget.crashes - 1)
    return crashed._replace(messages=left, budget=budget)


def _handle(world: World, index: int, event: Event) -> World:
    agent = world.agents[index]
    assert agent.elector is not None
    elector = copy_elector(agent.elector)
    world = with_agent(world, index, agent._replace(elector=elector))
    return _carry_out_effects(world, index, elector.handle(event, world.now))


def _carry_out_effects(world: World, index: int, effects: list[Effect]) -> World:
    for effect in effects:
        agent = world.agents[index]
        match effect:
            case Send():
                sent = Message(index, agent.starts, NAMES.index(effect.instance), effect.call, world.now)
                world = world._replace(messages=(*world.messages, sent))
            case SaveTerm():
                world = with_agent(world, index, agent._replace(highest_term=effect.term))
                world = _handle(world, index, TermSaved(effect.term))
            case SaveHolder():
                world = with_agent(world, index, agent._replace(holders=effect.holders))
                world = _handle(world, index, HolderSaved(effect.holders))
            case EndJobs():
                world = _handle(world, index, JobsEnded(effect.term))
            case Gained():
                world = _gained(world, effect)
            case _:
                pass
    return world


def _gained(world: World, gained: Gained) -> World:
    term, before = gained.holder.term, world.highest_led
    if term < before or (term == before and not gained.resumed):
        raise BrokenPromiseError(f"{gained.holder} leads after term {before}")
    snapshots = world.snapshots or tuple(instance.snapshot() for instance in world.instances)
    return world._replace(highest_led=term, snapshots=snapshots)


# Instances and time.


def _restarts(world: World) -> Iterator[tuple[str, World]]:
    budget = replace(world.budget, restarts=world.budget.restarts - 1)
    for index, name in enumerate(NAMES):
        kinds = [("without data", NOTHING), ("with its data", world.instances[index].snapshot())]
        if world.snapshots:
            kinds.append(("with older data", world.snapshots[index]))
        for kind, data in kinds:
            instance = copy_instance(world.instances[index])
            instance.restart(data)
            yield f"{name} restarts {kind}", with_instance(world, index, instance)._replace(budget=budget)


def _advance(world: World) -> Iterator[tuple[str, World]]:
    """Let a beat pass, if the budget pays for what was not done in this one.

    What a crashed agent has sent is lost then; one request of it may be late instead.
    """
    paused = {
        index
        for index, agent in enumerate(world.agents)
        if agent.elector is not None and agent.elector.wake_at <= world.now
    }
    new = [m for m in world.messages if m.sent_at == world.now and m.reply is None]
    late = [m for m in new if m.agent not in paused and _is_listening(world, m)]
    lost = [m for m in new if not _is_listening(world, m)]
    price = len(paused) + len(late)
    for kept in (None, *lost):
        if price + (kept is not None) <= world.budget.faults:
            left = tuple(m for m in world.messages if m is kept or m not in lost)
            name = (
                "a beat passes"
                if kept is None
                else f"a beat passes, but not {NODES[kept.agent]}'s last request"
            )
            yield name, _paid(_later(world, left), price + (kept is not None))


def _later(world: World, messages: tuple[Message, ...]) -> World:
    now = world.now + BEAT_NS
    return world._replace(now=now, messages=tuple(m for m in messages if now - m.sent_at <= OLDEST_NS))


def check(world: World) -> None:
    """Nothing, if at most one agent leads.

    Raises:
        BrokenPromiseError: two of them lead.
    """
    if all(_leads(world, index) for index in range(len(NODES))):
        raise BrokenPromiseError("two leaders")


def _leads(world: World, index: int) -> bool:
    elector = world.agents[index].elector
    return elector is not None and elector.leads(world.now)
