"""Why does an instance give no vote, and what would help? One sentence each.

Every `Problem` names the instance and the remedy. `answers.py` has the table for what servers answer,
`tls_failures.py` that for TLS; this file explains what goes wrong before or instead of an answer.
"""

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from redis.exceptions import InvalidResponse, RedisError, ResponseError

from leader.errors import InstanceError
from leader.foreign import printable
from leader.instances import tls_failures
from leader.instances.answers import ANSWERS, ELIGIBILITIES, UNEXPECTED, Kind

LONGEST_ANSWER, LONGEST_QUOTE = 1000, 200
"""Characters of a server's error that are looked at, and of what is quoted from it: it may be hostile."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one instance: `sentence` says it with the remedy; `votes`: it votes all the same."""

    kind: Kind
    sentence: str
    votes: bool = False

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the sentences are about: an instance by its name, where it is, our cluster and user there."""

    name: str
    place: str
    cluster: str
    user: str = "default"
    tls: bool = False


class Unanswered(InstanceError):
    """No answer came, or none that can be read: the calls may have been carried out, or may yet be."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.sentence)


class Ineligible(InstanceError):
    """The instance answered that it cannot vote. Calls with a record each may still be partly carried out."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.sentence)


class UnusableFile(InstanceError):
    """A certificate or key of ours cannot be read; the message says which and why."""


def is_answer(error: BaseException) -> bool:
    """Whether a server's error reply is behind this exception, not the lack of one."""
    return isinstance(error, ResponseError) or (
        isinstance(error, RedisError) and error.status_code is not None
    )


def text_of(error: RedisError) -> str:
    """The error as the server wrote it; redis-py cuts the code off."""
    return f"{error.status_code} {error}" if error.status_code else str(error)


def explain_answer(subject: Subject, text: str) -> Problem:
    """The problem behind a server's error reply, its code looked for anywhere in the text.

    Redis up to 6.2 wraps whatever happens in a script: `ERR Error running script … -READONLY …`.
    """
    text = printable(text, LONGEST_ANSWER)
    for row in ANSWERS:
        found = re.search(row.pattern, text)
        if found:
            details = {name: value or "" for name, value in found.groupdict().items()}
            return Problem(row.kind, _fill(row.sentence, subject, details))
    return Problem(Kind.UNEXPECTED, _fill(UNEXPECTED, subject, {"text": text}))


def explain_eligibility(subject: Subject, eligibility: str) -> Problem:
    """The problem behind an eligibility other than `ok`, as the script says it."""
    word, _, detail = eligibility.partition(":")
    kind, sentence = ELIGIBILITIES.get(word, ELIGIBILITIES["mode"])
    return Problem(kind, _fill(sentence, subject, {"detail": detail}))


def explain_timeout(subject: Subject, phase: str, timeout_ms: int) -> Problem:
    """The problem of an instance that was waited for in vain; `phase` says for what."""
    details = {"timeout": str(timeout_ms)}
    kind, sentence = _TIMEOUTS[phase]
    return Problem(kind, _fill(sentence, subject, details))


def explain_failure(subject: Subject, error: BaseException) -> Problem:
    """The problem behind an exception that is no server's answer: of names, sockets, TLS, the protocol."""
    for cause in _causes(error):
        if isinstance(cause, UnusableFile):
            return Problem(Kind.UNUSABLE_FILE, f"instance {subject.name}: {cause}")
        if isinstance(cause, InvalidResponse):
            return Problem(Kind.PROTOCOL, _fill(_NOT_REDIS, subject, {}))
        if isinstance(cause, OSError):
            kind, sentence = _failure(cause, subject)
            return Problem(kind, _fill(sentence, subject, {"detail": _detail(cause)}))
    kind, sentence = _lost(subject)
    return Problem(kind, _fill(sentence, subject, {}))


def _fill(sentence: str, subject: Subject, details: dict[str, str]) -> str:
    details = {what: printable(said, LONGEST_QUOTE) for what, said in details.items()}
    named = details.get("command", "").lower()
    command = _SUBCOMMANDS.get(named, named)
    known = {
        "name": subject.name,
        "place": subject.place,
        "cluster": subject.cluster,
        "user": subject.user,
        **details,
        "command": command,
        "COMMAND": command.upper().replace("|", " "),
    }
    return sentence.format_map(known)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it came from, innermost last."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _detail(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (getattr(error, "reason", None) or str(error)).lower().replace("_", " ")
    return error.strerror or str(error)


def _failure(error: OSError, subject: Subject) -> tuple[Kind, str]:
    if isinstance(error, ssl.SSLError):
        return tls_failures.explain(error)
    if isinstance(error, socket.gaierror):
        return _UNRESOLVED
    if subject.place.startswith("/") and error.errno in _SOCKETS:
        return _SOCKETS[error.errno]
    if isinstance(error, _LOSSES):  # asyncio's own have no errno
        return _lost(subject)
    return _NETWORK.get(error.errno or 0, _UNREACHABLE)


def _lost(subject: Subject) -> tuple[Kind, str]:
    """A TLS server that wants a client certificate may reset the connection before it can say so."""
    if subject.tls:
        return (
            Kind.CONNECTION_LOST,
            _CLOSED + "if it wants a client certificate, set cert_file and key_file under [quorum] tls "
            "to one that it trusts",
        )
    return Kind.CONNECTION_LOST, _CLOSED + "if that is a TLS port, write rediss://"


# Redis up to 6.2 names the command alone; this is all that leader uses of it.
_SUBCOMMANDS = {"script": "script|load", "client": "client|setname"}

_NOT_REDIS = (
    "instance {name} at {place} does not speak the Redis protocol; correct its URL, "
    "or, if that is a TLS port, write rediss://"
)
_CLOSED = (
    "instance {name} at {place} closed the connection; see its log for why (a restart, maxclients reached); "
)

_UNRESOLVED = (
    Kind.NAME_NOT_FOUND,
    (
        "instance {name}: the name in {place} has no address ({detail}); "
        "correct it, or mend this node's resolver"
    ),
)
_UNREACHABLE = (
    Kind.UNREACHABLE,
    "instance {name} at {place} cannot be reached ({detail}); check network and firewall",
)
_LOSSES = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)

_NETWORK = {
    errno.ECONNREFUSED: (
        Kind.REFUSED,
        "instance {name} refuses connections at {place}; start its server, or correct the URL",
    ),
}

_SOCKETS = {
    errno.ENOENT: (
        Kind.NO_SOCKET,
        "instance {name}: there is no socket {place}; start its server, or correct the URL",
    ),
    errno.ECONNREFUSED: (
        Kind.REFUSED,
        "instance {name}: nobody listens on the socket {place}; start its server",
    ),
    errno.EACCES: (
        Kind.SOCKET_FORBIDDEN,
        (
            "instance {name}: this user may not open the socket {place}; "
            "add it to the group of Redis, and set unixsocketperm 770 there"
        ),
    ),
    errno.ENOTSOCK: (Kind.NO_SOCKET, "instance {name}: {place} is not a socket; correct the URL"),
}

_TIMEOUTS = {
    "resolving": (
        Kind.RESOLVER_HUNG,
        (
            "instance {name}: no resolver answered for {place} within {timeout} ms; "
            "mend this node's name resolution, or write an address"
        ),
    ),
    "connecting": (
        Kind.TIMEOUT,
        (
            "instance {name} did not let this node connect to {place} within {timeout} ms; "
            "check that it runs, and the network and firewalls in between; if they are only slow, "
            "raise quorum.lease, a tenth of which an agent waits"
        ),
    ),
    "handshaking": (
        Kind.PLAIN_PORT,
        (
            "instance {name} did not answer at {place} in TLS within {timeout} ms; "
            "if that is a plain port, write redis:// instead of rediss://, else check the server's load"
        ),
    ),
    "answering": (
        Kind.TIMEOUT,
        (
            "instance {name} did not answer within {timeout} ms; check its load with redis-cli --latency, "
            "and the network, or raise quorum.lease, a tenth of which an agent waits"
        ),
    ),
}
