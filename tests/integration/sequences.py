"""Random sequences of calls and mishaps for one instance: which, so that every verdict comes up often?

Guided by the model's records, for blind guesses would almost always be refused: half of the calls name what
stands there, the others something near it. One seed decides all.
"""

from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from leader.protocol.calls import Call, Configuration, Observe, Operation, Release, Renew, Resume, Take
from leader.protocol.record import LARGEST_TERM, Holder, Record, Version
from tests.simulation.instance import LEAVE, ModelInstance, Request

ELECTIONS = ("default", "reports", "mail")
CALLERS = (
    ("n1", Configuration(1, "f" * 16, 10_000)),
    ("n2", Configuration(1, "f" * 16, 10_000)),
    ("n3", Configuration(2, "e" * 16, 10_000, "f" * 16, 10_000)),
    ("n4", Configuration(3, "e" * 16, 10_000)),
    ("n5", Configuration(1, "f" * 16, 2_000)),
)
WEIGHTS = (8, 8, 2, 1, 1)
FIRST_TERMS = (1, 1_790_000_000_000, LARGEST_TERM - 100_000)


class Mishap(Enum):
    """What happens to a server."""

    SAVE = auto()
    FLUSH = auto()
    RESTART_AS_SAVED = auto()
    RESTART_AT_ONCE = auto()
    """Saved, killed and started: all its data are there, and the process is another."""
    RESTART_EMPTY = auto()


@dataclass(frozen=True, slots=True)
class Beat:
    """One caller's script call."""

    caller: int
    request: Request


class Sequence:
    """Draws one step after the other; `model` is where it reads what stands at the instance."""

    def __init__(self, seed: int, model: ModelInstance) -> None:
        self._random = Random(seed)
        self._model = model
        self._first_term = self._random.choice(FIRST_TERMS)
        self._nonces = 0

    def next(self) -> Beat | Mishap:
        """The next step: seldom a mishap, mostly some calls."""
        if self._random.random() < 0.03:
            return self._random.choice(list(Mishap))
        [caller] = self._random.choices(range(len(CALLERS)), WEIGHTS)
        node, configuration = CALLERS[caller]
        calls = tuple(self._call(node) for _ in range(self._random.choice((1, 1, 2, 3, 5))))
        registration = self._random.choice(("", "", f"text: {self._random.random()}", LEAVE))
        wants_registry = self._random.random() < 0.5
        return Beat(caller, Request(configuration, node, calls, registration, wants_registry))

    def _call(self, node: str) -> Call:
        election = self._random.choice(ELECTIONS)
        record = self._model.records.get(election)
        self._nonces += 1
        known = self._random.choice((0, 0, self._term(record)))
        return Call(election, f"{self._nonces:x}", known, self._operation(node, record))

    def _operation(self, node: str, record: Record | None) -> Operation:
        lease_ms = self._random.choice((10_000, 10_000, 2_000))
        holder = self._holder(node, record)
        match self._random.choice((Observe, Take, Take, Take, Renew, Resume, Release)):
            case kind if kind is Observe:
                return Observe()
            case kind if kind is Take:
                flags = (self._random.random() < 0.3 for _ in range(3))
                claimed = Holder(node, "i1", self._term(record))
                return Take(self._version(record), claimed, lease_ms, *flags)
            case kind if kind is Renew:
                return Renew(holder, lease_ms)
            case kind if kind is Resume:
                return Resume(holder, self._random.choice(("i1", "i2")), lease_ms)
            case _:
                return Release(holder, self._random.choice((None, "n2")))

    def _version(self, record: Record | None) -> Version:
        if record is None:
            return Version(1, "none")
        right = record.version
        return self._random.choice(
            (right, right, right, Version(right.sequence, "other"), Version(right.sequence + 1, right.nonce))
        )

    def _holder(self, node: str, record: Record | None) -> Holder:
        right = record.holder if record and record.holder else Holder(node, "i1", self._first_term)
        return self._random.choice(
            (
                right,
                right,
                right,
                Holder(right.node, right.incarnation, right.term + 1),
                Holder(right.node, "other", right.term),
                Holder("n9", right.incarnation, right.term),
            )
        )

    def _term(self, record: Record | None) -> int:
        stored = max(record.term if record else 0, self._first_term)
        return max(1, stored + self._random.choice((1, 1, 1, 2, 0, -1)))
