"""The model instance of the simulation, and real servers: the same answers to the same sequences of calls.

Processes are compared after each has been given the model's name for it; clocks are not compared.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pytest

from leader.instances.embedded import EmbeddedQuorum
from leader.instances.problems import Unanswered
from leader.protocol.calls import Answer, Notice, Registration, Reply, Verdict
from leader.protocol.record import Record
from tests.integration.instances_on_servers import (
    PROGRAMS,
    TIMEOUT_NS,
    Hand,
    admin,
    hand_on,
    servers,
)
from tests.integration.sequences import CALLERS, Beat, Mishap, Sequence
from tests.simulation.instance import NOTHING, Data, ModelInstance, Request
from tests.support.polling import eventually

SEEDS = range(6)
STEPS = 400


@pytest.fixture(scope="module", params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedQuorum]:
    """One server of each kind that can be restarted with its data."""
    with servers(request.param, save=True) as quorum:
        yield quorum


class Told(NamedTuple):
    """What was answered, and the registry if that was read."""

    reply: Reply
    registry: list[Registration] | None


@dataclass
class Twins:
    """A model and a real instance to which the same happens."""

    server: EmbeddedQuorum
    hands: list[Hand]
    model: ModelInstance = field(default_factory=lambda: ModelInstance("model"))
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    mishaps: Counter[Mishap] = field(default_factory=Counter)
    _processes: dict[str, str] = field(default_factory=dict)
    _saved: Data = NOTHING

    async def suffer(self, mishap: Mishap) -> None:
        """Let it happen to both."""
        self.mishaps[mishap] += 1
        if mishap in (Mishap.SAVE, Mishap.RESTART_AT_ONCE):
            self.server.save_now(0)
            self._saved = self.model.snapshot()
        match mishap:
            case Mishap.FLUSH:
                self.server.flush(0)
                self.model.restore(NOTHING)
            case Mishap.RESTART_AS_SAVED | Mishap.RESTART_AT_ONCE:
                self.server.restart(0, keep_data=True)
                self.model.restart(self._saved)
            case Mishap.RESTART_EMPTY:
                self.server.restart(0, keep_data=False)
                self._saved = NOTHING
                self.model.restart(NOTHING)
            case Mishap.SAVE:
                pass
        await self._reconnect()

    async def _reconnect(self) -> None:
        """Let the callers notice that their connections are gone, where nothing hangs on it."""
        for hand in self.hands:
            with contextlib.suppress(Unanswered):
                await hand.send()

    async def beat(self, beat: Beat) -> tuple[Told, Told]:
        """What both answer to the same call: the real one, in the model's words, and the model."""
        request, instance = beat.request, self.hands[beat.caller].instance
        real = await instance.call(request.calls, registration=request.registration, timeout_ns=TIMEOUT_NS)
        shown = await instance.read_registry(timeout_ns=TIMEOUT_NS) if request.wants_registry else None
        executed = self.model.execute(request, wall_ms=0)
        model = executed.reply
        self._processes.setdefault(real.process, model.process)
        self.verdicts.update(answer.verdict for answer in model.answers)
        return (
            Told(self._in_models_words(real, request), timeless(shown)),
            Told(replace(model, wall_ms=0), timeless(executed.registry)),
        )

    def _in_models_words(self, reply: Reply, request: Request) -> Reply:
        assert len(reply.answers) == len(request.calls)
        answers = tuple(Answer(answer.verdict, self.renamed(answer.record)) for answer in reply.answers)
        return replace(reply, process=self._processes[reply.process], answers=answers, wall_ms=0)

    def renamed(self, record: Record) -> Record:
        """A real record with the model's name for its process."""
        return replace(record, process=self._processes[record.process])


def timeless(registry: Iterable[Registration] | None) -> list[Registration] | None:
    """The registry without what clocks say, in order; None if it was not read."""
    if registry is None:
        return None
    return sorted((replace(entry, age_ms=0) for entry in registry), key=lambda entry: entry.node)


@pytest.fixture
async def twins(server: EmbeddedQuorum) -> AsyncIterator[Twins]:
    """Both, empty, with a hand for each caller."""
    async with contextlib.AsyncExitStack() as stack:
        hands = [
            await stack.enter_async_context(hand_on(server.urls[0], node=node, configuration=configuration))
            for node, configuration in CALLERS
        ]
        yield Twins(server, hands)


async def test_model_and_server_give_the_same_answers(twins: Twins, figures: Callable[[str], None]) -> None:
    """Over thousands of calls of every kind, granted and refused, with restarts and flushes between them."""
    for seed in SEEDS:
        await twins.suffer(Mishap.RESTART_EMPTY)
        sequence = Sequence(seed, twins.model)
        for step in range(STEPS):
            action = sequence.next()
            if isinstance(action, Mishap):
                await twins.suffer(action)
                continue
            real, model = await twins.beat(action)
            assert real == model, f"seed {seed}, step {step}: {action}"
    counts = {verdict.value: twins.verdicts[verdict] for verdict in Verdict}
    mishaps = {mishap.name.lower(): twins.mishaps[mishap] for mishap in Mishap}
    figures(f"{twins.hands[0].instance.server}: {counts}, {mishaps}")
    assert all(twins.verdicts[verdict] for verdict in Verdict), twins.verdicts
    assert all(twins.mishaps[mishap] for mishap in Mishap), twins.mishaps


async def test_model_and_server_publish_the_same_notices(twins: Twins) -> None:
    """Every granted call is published, with the record as it then stands, and nothing else is."""
    heard: list[Notice] = []
    listening = asyncio.create_task(twins.hands[0].instance.listen(heard.append))
    try:
        await twins.suffer(Mishap.RESTART_EMPTY)
        sequence = Sequence(99, twins.model)
        expected: list[Notice] = []
        await eventually(lambda: admin(twins.server, "PUBSUB", "CHANNELS") != [])
        for _ in range(STEPS):
            action = sequence.next()
            if isinstance(action, Mishap):
                continue
            published = [
                Notice(call.election, answer.record)
                for call, answer in zip(
                    action.request.calls, (await twins.beat(action))[0].reply.answers, strict=True
                )
                if answer.verdict is Verdict.GRANTED
            ]
            expected += published
        await eventually(lambda: len(heard) >= len(expected))
    finally:
        listening.cancel()
    assert len(expected) > STEPS // 4
    assert [Notice(notice.election, twins.renamed(notice.record)) for notice in heard] == expected
