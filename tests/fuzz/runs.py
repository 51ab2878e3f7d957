"""So many seeds of each kind, and what became of them; the first that breaks something is named."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from redis.exceptions import InvalidResponse, RedisError, ResponseError

from leader.agent.registry import Registry, decode
from leader.instances import jobs_wire, wire
from leader.instances.bounded import LARGEST_MESSAGE, LARGEST_REPLY, NOT_ENOUGH, BoundedParser, BoundedReader
from leader.instances.problems import Subject, explain_answer
from leader.instances.subscription import Subscription
from leader.protocol.calls import Registration
from tests.fuzz import clients, replies
from tests.unit.api.handmade import HandmadeSource

SUBJECT = Subject("i1", "10.0.0.1:6379", "prod")


class Broken(AssertionError):
    """An input after which something is not as it should be; the text names its seed."""


def run_requests(first: int, count: int) -> Counter[str]:
    """What a server made of the clients of so many seeds.

    Raises:
        Broken: one of them raised an error, or was answered with something that is no answer.
    """
    return asyncio.run(_run_requests(first, count))


async def _run_requests(first: int, count: int) -> Counter[str]:
    account: Counter[str] = Counter()
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
    source = HandmadeSource()
    source.decides.set()
    host = clients.Host(source)
    for seed in range(first, first + count):
        random = Random(seed)
        peer = random.choice([clients.ROOT, None])
        try:
            said = await clients.converse(host, clients.session(random), peer)
            account["answered" if clients.check(said) else "not answered"] += 1
        except Exception as error:
            raise Broken(f"request of seed {seed}: {error!r}") from error
        if errors:
            raise Broken(f"request of seed {seed}: {errors[0]}")
        assert not source.listeners
        assert not source.connected
        for kept in (source.wishes, source.ended, source.operator.orders, source.operator.denied):
            kept.clear()
    return account


def run_replies(first: int, count: int) -> Counter[str]:
    """What an agent made of the replies of so many seeds.

    Raises:
        Broken: one of them raised an error that is not told as an answer that cannot be read.
    """
    account: Counter[str] = Counter()
    for seed in range(first, first + count):
        random = Random(seed)
        kind = random.choice(list(KINDS))
        try:
            account[f"{kind}: {'taken' if KINDS[kind](random) else 'refused'}"] += 1
        except Exception as error:
            raise Broken(f"{kind} of seed {seed}: {error!r}") from error
    return account


def _registration(random: Random) -> bool:
    entry = decode("n2", replies.registration(random))
    if entry is None:
        return False
    registry = Registry()
    registry.learn("i1", [Registration("n2", 5, replies.registration(random))], 10**12)
    json.dumps([str(view) for view in registry.views(10**12)], allow_nan=False)
    for candidate in registry.candidates("default", "n1"):
        assert 0 <= candidate.priority <= 10_000
        assert candidate.reason.isprintable()
    return True


def _bytes(random: Random) -> bool:
    """A reply as bytes through the reader of the link, and whatever comes out through the rest."""
    data = replies.on_the_wire(random, random.choice([replies.beat, replies.ticks])(random))
    reader = BoundedReader(BoundedParser.parse_error, LARGEST_REPLY)
    taken = False
    cut = random.randrange(len(data) + 1)
    try:
        for part in (data[:cut], data[cut:]):
            reader.feed(part)
            while (value := reader.gets()) is not NOT_ENOUGH:
                taken = replies.check_beat(value) or replies.check_ticks(value) or taken
                if isinstance(value, RedisError):
                    assert explain_answer(SUBJECT, str(value)).sentence.isprintable()
    except InvalidResponse:
        return taken
    return taken


def _error(random: Random) -> bool:
    """What a server says is wrong, in one sentence that can be shown."""
    texts = [
        random.choice(["-", "", "ERR ", "LEADERKEY newer ", "LEADERCOMMAND x ", "NOPERM", "BUSY", "MOVED"]),
        random.choice(replies.TEXTS),
        random.choice(["", "can't run this command", "no permissions to run the '\x1b' command", " key"]),
    ]
    sentence = explain_answer(SUBJECT, "".join(texts)).sentence
    assert sentence.isprintable()
    assert len(sentence) < 1500
    return True


class _Link:
    """What a subscription needs of a connection."""

    def __init__(self) -> None:
        self.transport = clients.Transport()

    parse_error = staticmethod(BoundedParser.parse_error)

    def hand_over_to(self, _protocol: asyncio.Protocol) -> tuple[asyncio.ReadTransport, Callable[..., None]]:
        return self.transport, lambda *_command: None


def run_messages(first: int, count: int) -> Counter[str]:
    """What a subscription made of the bytes of so many seeds.

    Raises:
        Broken: one of them raised an error.
    """
    return asyncio.run(_run_messages(first, count))


async def _run_messages(first: int, count: int) -> Counter[str]:
    account: Counter[str] = Counter()
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
    for seed in range(first, first + count):
        random = Random(seed)
        try:
            account[await _listen(random)] += 1
        except Exception as error:
            raise Broken(f"messages of seed {seed}: {error!r}") from error
        if errors:
            raise Broken(f"messages of seed {seed}: {errors[0]}")
    return account


async def _listen(random: Random) -> str:
    """One connection on which a hostile server publishes."""
    heard: list[object] = []

    def take_record(payload: str) -> None:
        heard.append(wire.decode_notice(json.loads(payload)))

    def take_run(payload: str) -> None:
        heard.append(jobs_wire.decode_run(json.loads(payload)))

    malformed: list[None] = []
    takers = {"records": take_record, "runs": take_run}
    subscription = Subscription(_Link(), takers, lambda: malformed.append(None))  # type: ignore[arg-type]
    subscription.data_received(replies.packed(["subscribe", "records", 1]))
    for _ in range(random.randrange(4)):
        payload = json.dumps(replies.message(random))
        words = ["message", random.choice(["records", "runs", "others"]), payload]
        subscription.data_received(replies.on_the_wire(random, words)[: 4 * LARGEST_MESSAGE])
    over = subscription.over.done() and isinstance(subscription.over.exception(), RedisError)
    begun = subscription.begun.done() and subscription.begun.exception()
    assert begun is None or isinstance(begun, RedisError | ResponseError)
    subscription.close()
    return "messages: heard" if heard else "messages: ended" if over else "messages: passed over"


KINDS: dict[str, Callable[[Random], bool]] = {
    "beats": lambda random: replies.check_beat(replies.beat(random)),
    "ticks": lambda random: replies.check_ticks(replies.ticks(random)),
    "published": lambda random: replies.check_message(replies.message(random)),
    "indexes": lambda random: replies.check_index(replies.index(random)),
    "registrations": _registration,
    "bytes": _bytes,
    "errors": _error,
}
