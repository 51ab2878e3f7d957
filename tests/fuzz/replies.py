"""Replies that no server should give, a million of them if need be: values and bytes out of a seed."""

import json
from random import Random
from typing import Any

from leader.instances import jobs_wire, wire
from leader.instances.registry import DAY_MS, read_index
from leader.instances.shapes import texts
from leader.names import is_name
from leader.protocol.calls import Call, Observe, Reply
from leader.protocol.record import LARGEST_TERM
from leader.protocol.runs import Look, TickCall

CALLS = [Call("default", "x1", 6, Observe())]
TICKS = [TickCall("report", Look())]

TEXTS = [
    "", "0", "1", "9007199254740991", "9007199254740992", "-1", "+1", " 1", "1_0", "\uff11", "9" * 5000,
    "1e9", "nan",
    "ok", "held", "released", "fresh", "observed", "granted", "seen", "running", "done", "x1", "n1:abc:7",
    "n1:abc:9007199254740992", "n1:abc:-7", ":::", "::", "a:b", "\x1b[31m", "\x00", "\r\n", "\u202e", "..",
    "a/b",
    "A" * 100_000, "[" * 100_000, "{}", "[]", "null", '{"version":1}', "replica", "mode:\x1b[2J",
    "253402300800000",
]  # fmt: skip
RECORD = ["1", "run:repl", "4", "x1", "held", "9", "n1:abc:7", "10000", ""]
RUN = ["report", "n0nce", "running", "n1", "default", "9", "1700000000000", "5", "0", "0"]
ENTRY: dict[str, Any] = {
    "version": "1", "generation": 2, "started_ms": 1, "incarnation": "i",
    "contends": True, "sees_majority": True, "paused": False, "fit": True,
    "reason": "", "vitals": {"load_per_cpu": 1.0, "memory_percent": 5.0, "free_disk_percent": {"/": 3.0}},
    "priorities": {"default": 50}, "roles": {"default": "candidate"}, "processes": {"10.0.0.1:6379/0": "p"},
    "ended": [{"election": "default", "term": 4, "cause": "released", "reason": "it was"}],
}  # fmt: skip
ODD: list[Any] = [
    None, True, -1, 2**53, 10**400, 1e308, float("nan"), float("inf"), "", "\x1b[31m", "x" * 70_000, [],
    {}, [[]],
    {"\x1b": "\x1b"}, {"a b": 1}, [{}], ["x"], {"default": 10**9}, "9" * 5000,
]  # fmt: skip


def beat(random: Random) -> Any:  # noqa: ANN401 - whatever a server says
    """A reply to one beat, or nearly one."""
    configuration = random.choice([[], ["2", "f" * 16, "", "10000", "n2"]])
    reply = ["1", "ok", "run:repl", "1700000000000", configuration, [["observed", *RECORD]]]
    return spoilt(random, reply)


def ticks(random: Random) -> Any:  # noqa: ANN401 - whatever a server says
    """A reply to one call about jobs, or nearly one."""
    return spoilt(random, ["1", "run:repl", [["seen", *(list(RUN) for _ in range(random.randrange(3)))]]])


def index(random: Random) -> Any:  # noqa: ANN401 - whatever a server says
    """What a server shows of who registered when, or nearly that."""
    return spoilt(random, [word for node in ("n1", "n2") for word in (node, "1700000000000:" + "5" * 12)])


def check_index(reply: object) -> bool:
    """Whether it is read as an index; what is read is within its bounds.

    Raises:
        AssertionError: it is not.
    """
    try:
        found = read_index(texts(reply), 1_700_000_000_000)
    except ValueError:
        return False
    assert all(is_name(node) and 0 <= age_ms <= DAY_MS for node, age_ms, _ in found.entries)
    return True


def registration(random: Random) -> str:
    """What a node registers, or nearly that."""
    entry = dict(ENTRY)
    for _ in range(random.randrange(3)):
        entry[random.choice(list(ENTRY))] = random.choice(ODD)
    text = json.dumps(entry)
    return text if random.random() < 0.8 else text[: random.randrange(len(text))]


def message(random: Random) -> Any:  # noqa: ANN401 - whatever a server publishes
    """What is published about a record or a run, or nearly that."""
    return spoilt(random, random.choice([["default", *RECORD], list(RUN)]))


def spoilt(random: Random, value: Any) -> Any:  # noqa: ANN401 - as above
    """The same with something of it changed, wherever in it."""
    for _ in range(random.choice([0, 1, 1, 1, 2, 5])):
        value = _spoilt_once(random, value)
    return value


def _spoilt_once(random: Random, value: Any) -> Any:  # noqa: ANN401 - as above
    if not isinstance(value, list) or not value or random.random() < 0.1:
        return random.choice(
            [random.choice(TEXTS), 5, None, [], [[]], {}, True, 1.5, [value] * 3, random.choice(TEXTS)]
        )
    index = random.randrange(len(value))
    changed = list(value)
    dice = random.random()
    if dice < 0.1:
        del changed[index]
    elif dice < 0.2:
        changed.insert(index, changed[index])
    else:
        changed[index] = _spoilt_once(random, changed[index])
    return changed


def on_the_wire(random: Random, value: Any) -> bytes:  # noqa: ANN401 - as above
    """The value as a server writes it, or nearly so."""
    data = bytearray(packed(value))
    for _ in range(random.choice([0, 0, 1, 2, 8])):
        where = random.randrange(len(data) + 1)
        data[where : where + random.randrange(3)] = random.choice(
            [random.randbytes(2), b"\r\n", b"*99999\r\n", b"*1000000000\r\n", b"$99999999999\r\n",
            b":9\r\n", b"-ERR x\r\n",
             b">1\r\n+x\r\n", b"%1\r\n*0\r\n:1\r\n", b"~1\r\n", b"(1" + b"0" * 5000 + b"\r\n",
             b"-MOVED x\r\n", b"#f\r\n",
             b"-ASK\r\n", b"_\r\n", b",nan\r\n", b"|1\r\n", b"*-1\r\n", b"$-1\r\n", b"-\r\n",
             b"-LOADING\r\n", b"-NOSCRIPT\r\n"]
        )  # fmt: skip
    return bytes(data)


def packed(value: Any) -> bytes:  # noqa: ANN401 - as above
    """The value as a server writes it."""
    if isinstance(value, list):
        return b"*%d\r\n" % len(value) + b"".join(map(packed, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return b":%d\r\n" % value
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        return b"$%d\r\n%s\r\n" % (len(text), text)
    return b"$-1\r\n"


def check_beat(reply: object) -> bool:
    """Whether it is read as a reply; what is read is within its bounds.

    Raises:
        AssertionError: it is not.
    """
    try:
        outcome = wire.decode(reply, CALLS)
    except ValueError:
        return False
    if isinstance(outcome, wire.CarriedOut):
        _check_reply(outcome.reply)
    return True


def _check_reply(reply: Reply) -> None:
    assert reply.process.isprintable()
    for answer in reply.answers:
        record = answer.record
        assert 0 <= record.term <= LARGEST_TERM
        assert 0 <= record.version.sequence <= LARGEST_TERM
        if record.holder:
            assert 0 <= record.holder.term <= LARGEST_TERM
            assert str(record.holder).isprintable()


def check_ticks(reply: object) -> bool:
    """Whether it is read as a reply about jobs."""
    try:
        jobs_wire.decode(reply, TICKS)
    except ValueError:
        return False
    return True


def check_message(values: object) -> bool:
    """Whether it is read as a record, a run or an announcement that was published."""
    found = 0
    for read in (wire.decode_notice, jobs_wire.decode_run, wire.decode_announcement):
        try:
            read(values)
            found += 1
        except ValueError:
            continue
    return found > 0
