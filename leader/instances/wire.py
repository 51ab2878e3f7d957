"""How are calls written as the script's arguments, and its reply read back?

Pure: knows the layout that the top of `beat.lua` documents, and nothing of connections. What comes back
was written by another machine, so nothing of it is trusted to have the right shape.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from leader.instances.shapes import array, instant, name, text, texts, whole, word
from leader.protocol.calls import (
    Announcement,
    Answer,
    Call,
    Configuration,
    Notice,
    Observe,
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

_LARGEST_GENERATION = 2**31 - 1
_RECORD_FIELDS = 9
_REPLY_PARTS = 6
_STAMP_BYTES = 6


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
        """The keys of the configuration, of the registry's two parts, and of each election's record."""
        return [
            f"leader:{self.cluster}:configuration",
            self.nodes_key,
            self.about_key,
            *(self.record_key(e) for e in elections),
        ]

    @property
    def nodes_key(self) -> str:
        """The key of the registry's index: when each node registered, and the stamp of what."""
        return f"leader:{self.cluster}:nodes"

    @property
    def about_key(self) -> str:
        """The key of what each node registered."""
        return f"leader:{self.cluster}:about"

    def record_key(self, election: str) -> str:
        """The key of one election's record."""
        return f"leader:{self.cluster}:election:{election}"

    @property
    def jobs_key(self) -> str:
        """The key of all jobs' runs."""
        return f"leader:{self.cluster}:jobs"

    @property
    def heirs_channel(self) -> str:
        """Where it is announced who will follow."""
        return f"{self.channel}:heirs"

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


def encode(caller: Caller, calls: Sequence[Call], registration: str) -> tuple[list[str], list[str]]:
    """The script's KEYS and ARGV."""
    elections = list(dict.fromkeys(call.election for call in calls))
    index = {election: position for position, election in enumerate(elections, start=4)}
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
        stamp_of(registration),
    ]
    for call in calls:
        arguments += _encode_call(call, index[call.election])
    return caller.keys(elections), arguments


def stamp_of(registration: str) -> str:
    """What stands for a text in the index, so that nobody need read it twice; nothing for a farewell."""
    if registration in ("", REMOVE_REGISTRATION):
        return ""
    return hashlib.blake2b(registration.encode(), digest_size=_STAMP_BYTES).hexdigest()


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


def decode(reply: object, calls: Sequence[Call]) -> CarriedOut | RefusedBeat:
    """The values that the script's reply says.

    Raises:
        ValueError: it is not a reply of this script to these calls.
    """
    parts = array(reply)
    if len(parts) < _REPLY_PARTS:
        raise ValueError(f"a reply of {len(parts)} parts")
    eligibility = word(text(parts[1]))
    if eligibility != "ok":
        return RefusedBeat(eligibility)
    configuration, configured_by = _decode_configuration(tuple(texts(parts[4])))
    answers = _decode_answers(array(parts[5]), calls)
    return CarriedOut(
        Reply(
            process=word(text(parts[2])),
            wall_ms=instant(text(parts[3])),
            configuration=configuration,
            configured_by=configured_by,
            answers=answers,
        ),
        text(parts[_REPLY_PARTS]) if len(parts) > _REPLY_PARTS else "",
    )


def decode_notice(values: object) -> Notice:
    """The notice that a published array of strings says.

    Raises:
        ValueError: it is not one.
    """
    election, *fields = texts(values)
    return Notice(name(election), _decode_record(fields))


def encode_announcement(announcement: Announcement) -> list[str]:
    """The node, and each election with its heir."""
    return [announcement.node, *(word for pair in announcement.heirs.items() for word in pair)]


def decode_announcement(values: object) -> Announcement:
    """The announcement that a published array of strings says.

    Raises:
        ValueError: it is not one.
    """
    node, *words = map(name, texts(values))
    return Announcement(node, dict(zip(words[::2], words[1::2], strict=True)))


def _decode_answers(values: list[object], calls: Sequence[Call]) -> tuple[Answer, ...]:
    """A grant echoes the nonce of its call, so an answer to another call is found out (rule R8)."""
    if len(values) != len(calls):
        raise ValueError(f"{len(values)} answers to {len(calls)} calls")
    answers = tuple(_decode_answer(texts(value)) for value in values)
    for answer, call in zip(answers, calls, strict=True):
        if answer.verdict is Verdict.GRANTED and answer.record.version.nonce != call.nonce:
            raise ValueError("an answer to another call")
    return answers


def _decode_answer(fields: list[str]) -> Answer:
    verdict, *record = fields
    return Answer(Verdict(verdict), _decode_record(record))


def _decode_record(fields: list[str]) -> Record:
    if len(fields) != _RECORD_FIELDS:
        raise ValueError(f"a record of {len(fields)} fields")
    _, process, sequence, nonce, state, term, holder, lease_ms, successor = fields
    return Record(
        process=word(process),
        version=Version(whole(sequence), name(nonce)),
        state=State(state),
        term=whole(term),
        holder=_decode_holder(holder) if holder else None,
        lease_ms=whole(lease_ms),
        successor=name(successor) if successor else None,
    )


@lru_cache(maxsize=256)
def _decode_holder(said: str) -> Holder:
    node, incarnation, term = said.split(":")
    return Holder(name(node), name(incarnation), whole(term))


@lru_cache(maxsize=64)
def _decode_configuration(fields: tuple[str, ...]) -> tuple[Configuration | None, str]:
    if not fields:
        return None, ""
    generation, fingerprint, previous, lease_ms, node = fields
    before, _, before_ms = previous.partition(":")
    found = Configuration(
        whole(generation, _LARGEST_GENERATION),
        word(fingerprint),
        whole(lease_ms),
        word(before),
        whole(before_ms or "0"),
    )
    return found, name(node)
