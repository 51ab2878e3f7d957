"""How are calls written as the script's arguments, and its reply read back?

Pure: knows the layout that the top of `beat.lua` documents, and nothing of connections. What comes back
was written by another machine, so nothing of it is trusted to have the right shape.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from leader.instances.shapes import array, text, texts
from leader.protocol.calls import (
    Answer,
    Call,
    Configuration,
    Notice,
    Observe,
    Registration,
    Release,
    Renew,
    Reply,
    Resume,
    Take,
    Verdict,
)
from leader.protocol.record import FORMAT, Holder, Record, State, Version

REMOVE_REGISTRATION = "-"
"""As a registration: remove this node's own. An empty one leaves what is there."""

_RECORD_FIELDS = 9
_REPLY_PARTS = 7


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, of which cluster, through which database of the instance."""

    cluster: str
    node: str
    database: int
    configuration: Configuration

    @property
    def own(self) -> str:
        """The pattern of all keys and channels of the cluster, as an ACL writes it."""
        return f"leader:{self.cluster}:*"

    @property
    def channel(self) -> str:
        """Where notices are published; Pub/Sub knows no databases, so the name tells them apart."""
        return f"leader:{self.cluster}:{self.database}"

    def keys(self, elections: Iterable[str]) -> list[str]:
        """The keys of the configuration, of the registry, and of each election's record, in this order."""
        return [
            f"leader:{self.cluster}:configuration",
            self.registry_key,
            *(self.record_key(e) for e in elections),
        ]

    @property
    def registry_key(self) -> str:
        """The key of the registry."""
        return f"leader:{self.cluster}:nodes"

    def record_key(self, election: str) -> str:
        """The key of one election's record."""
        return f"leader:{self.cluster}:election:{election}"

    @property
    def jobs_key(self) -> str:
        """The key of all jobs' runs."""
        return f"leader:{self.cluster}:jobs"

    @property
    def jobs_channel(self) -> str:
        """Where runs are published."""
        return f"{self.channel}:jobs"


@dataclass(frozen=True, slots=True)
class RefusedBeat:
    """The instance did not carry out anything, and says why it cannot vote."""

    eligibility: str


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """The instance's reply; `unpublished` is the error that kept it from publishing notices, or empty."""

    reply: Reply
    unpublished: str = ""


def encode(
    caller: Caller, calls: Sequence[Call], registration: str, *, want_registry: bool
) -> tuple[list[str], list[str]]:
    """The script's KEYS and ARGV."""
    elections = list(dict.fromkeys(call.election for call in calls))
    index = {election: position for position, election in enumerate(elections, start=3)}
    own = caller.configuration
    arguments = [
        str(FORMAT),
        caller.channel,
        str(own.generation),
        own.fingerprint,
        _encode_previous(own),
        str(own.lease_ms),
        caller.node,
        registration,
        "1" if want_registry else "",
    ]
    for call in calls:
        arguments += _encode_call(call, index[call.election])
    return caller.keys(elections), arguments


def _encode_previous(own: Configuration) -> str:
    """List and lease before the change, as the script compares them; empty when none is under way."""
    return f"{own.previous}:{own.previous_lease_ms}" if own.previous else ""


def _encode_call(call: Call, index: int) -> list[str]:
    kind, expected, holder, lease_ms, extra = _encode_operation(call)
    return [kind, str(index), call.nonce, str(call.known_term), expected, holder, str(lease_ms), extra]


def _encode_operation(call: Call) -> tuple[str, str, str, int, str]:
    match call.operation:
        case Observe():
            return "observe", "", "", 0, ""
        case Take(expected, holder, lease_ms, released, sitting, updates):
            flags = {"released": released, "sitting": sitting, "updates": updates}
            return (
                "take",
                str(expected),
                str(holder),
                lease_ms,
                ",".join(flag for flag, on in flags.items() if on),
            )
        case Renew(holder, lease_ms):
            return "renew", "", str(holder), lease_ms, ""
        case Resume(holder, incarnation, lease_ms):
            return "resume", "", str(holder), lease_ms, incarnation
        case Release(holder, successor):
            return "release", "", str(holder), 0, successor or ""
    assert_never(call.operation)


def decode(reply: object, calls: Sequence[Call], *, want_registry: bool) -> CarriedOut | RefusedBeat:
    """The values that the script's reply says.

    Raises:
        ValueError: it is not a reply of this script to these calls.
    """
    parts = array(reply)
    if len(parts) < _REPLY_PARTS:
        raise ValueError(f"a reply of {len(parts)} parts")
    eligibility = text(parts[1])
    if eligibility != "ok":
        return RefusedBeat(eligibility)
    configuration, configured_by = _decode_configuration(texts(parts[4]))
    answers = tuple(_decode_answer(texts(answer)) for answer in array(parts[6]))
    _check_that_they_answer(answers, calls)
    registry = sorted((_decode_registration(texts(entry)) for entry in array(parts[5])), key=_node)
    return CarriedOut(
        Reply(
            process=text(parts[2]),
            wall_ms=int(text(parts[3])),
            configuration=configuration,
            configured_by=configured_by,
            answers=answers,
            registry=tuple(registry) if want_registry else None,
        ),
        text(parts[_REPLY_PARTS]) if len(parts) > _REPLY_PARTS else "",
    )


def decode_notice(values: object) -> Notice:
    """The notice that a published array of strings says.

    Raises:
        ValueError: it is not one.
    """
    election, *fields = texts(values)
    return Notice(election, _decode_record(fields))


def _check_that_they_answer(answers: Sequence[Answer], calls: Sequence[Call]) -> None:
    """A grant echoes the nonce of its call, so an answer to another call is found out (rule R8)."""
    if len(answers) != len(calls):
        raise ValueError(f"{len(answers)} answers to {len(calls)} calls")
    for answer, call in zip(answers, calls, strict=True):
        if answer.verdict is Verdict.GRANTED and answer.record.version.nonce != call.nonce:
            raise ValueError("an answer to another call")


def _decode_answer(fields: list[str]) -> Answer:
    verdict, *record = fields
    return Answer(Verdict(verdict), _decode_record(record))


def _decode_record(fields: list[str]) -> Record:
    if len(fields) != _RECORD_FIELDS:
        raise ValueError(f"a record of {len(fields)} fields")
    _, process, sequence, nonce, state, term, holder, lease_ms, successor = fields
    return Record(
        process=process,
        version=Version(int(sequence), nonce),
        state=State(state),
        term=int(term),
        holder=Holder.parse(holder) if holder else None,
        lease_ms=int(lease_ms),
        successor=successor or None,
    )


def _decode_configuration(fields: list[str]) -> tuple[Configuration | None, str]:
    if not fields:
        return None, ""
    generation, fingerprint, previous, lease_ms, node = fields
    before, _, before_ms = previous.partition(":")
    return Configuration(int(generation), fingerprint, int(lease_ms), before, int(before_ms or 0)), node


def _node(registration: Registration) -> str:
    return registration.node


def _decode_registration(fields: list[str]) -> Registration:
    node, age_ms, text = fields
    return Registration(node, int(age_ms), text)
