"""Does this node lead now? The answer of `leader is-leader`, on `_socket` and what Python itself has loaded.

The hot path: it is asked before each job of each crontab, so it may not import anything else, and a test
holds it to that. It says nothing on 0 and 1, because cron mails whatever is said.
Source: rule R6 of `leader/protocol/__init__.py` for the age of an answer.
"""

import _socket
import posix
import sys
from os import environ

from leader.clock import now_ns
from leader.paths import choose_client_socket
from leader.reach import connect, patience_s, quote, why_not

LEADS, LEADS_NOT, WRONG, UNKNOWN = 0, 1, 2, 3
LEADING, NOT_THERE, NOT_LEADING = 200, 404, 503
DEFAULT_TIMEOUT_MS = 1000
MILLISECOND_NS = 1_000_000
LONGEST_ANSWER = 65536
HELP = ("--help", "-h")
WITH_VALUE = ("--for", "--timeout", "--socket")


class Usage(Exception):
    """The command was called in a way it does not know; the text says how, in one sentence."""


class Unknown(Exception):
    """Nobody can tell whether this node leads; the text says why, in one sentence."""


def is_leader(arguments: list[str]) -> int | None:
    """The exit code, everything said; None if help is asked for, which the full command line gives."""
    try:
        options = parse(arguments)
        if options is None:
            return None
        code, words = answer(options)
    except Usage as wrong:
        return complain(WRONG, str(wrong))
    except Unknown as unknown:
        return complain(UNKNOWN, f"unknown: {unknown}")
    if options["--verbose"]:
        say(1, sys.stdout, words)
    return code


def answer(options: "dict[str, str | None]") -> tuple[int, str]:
    """0 or 1, and the words for it.

    Raises:
        Usage: a value is not one, or there is no such election.
        Unknown: nobody can tell.
    """
    path = choose_client_socket(environ, options["--socket"])
    timeout_ms = milliseconds(options, "--timeout", DEFAULT_TIMEOUT_MS)
    for_ms = milliseconds(options, "--for", 0)
    election = options["ELECTION"] or "default"
    status, headers, sent_ns = ask(path, election, now_ns() + timeout_ms * MILLISECOND_NS)
    return judge(election, status, headers, sent_ns, for_ms)


def complain(code: int, words: str) -> int:
    """The code, with the sentence on standard error."""
    say(2, sys.stderr, f"leader is-leader: {words}")
    return code


def parse(arguments: list[str]) -> "dict[str, str | None] | None":
    """Each option's value by its name, and the ELECTION; None if help is asked for.

    Raises:
        Usage: an option or a value is not known.
    """
    options: dict[str, str | None] = dict.fromkeys((*WITH_VALUE, "--verbose", "ELECTION"))
    left = list(arguments)
    only_names = False
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if only_names or word == "-" or not word.startswith("-"):
            take_election(options, word)
        elif word in HELP:
            return None
        elif word == "--":
            only_names = True
        elif word in ("--verbose", "-v"):
            options["--verbose"] = "yes"
        elif name in WITH_VALUE:
            options[name] = value if equals else next_word(name, left)
        else:
            raise Usage(f"there is no option {word!r}: there are --for, --timeout, --socket and --verbose")
    return options


def take_election(options: "dict[str, str | None]", word: str) -> None:
    """Note the election that is asked about; one, and with a name."""
    if options["ELECTION"] is not None:
        raise Usage(f"one election at a time: leave out {word!r} or {options['ELECTION']!r}")
    if not word or not word.isprintable():
        raise Usage(f"{word!r} cannot be the name of an election: name one of those in the configuration")
    options["ELECTION"] = word


def next_word(name: str, left: list[str]) -> str:
    """The value that follows an option."""
    if not left:
        raise Usage(f"{name} needs a value, as in {name} {'PATH' if name == '--socket' else '5s'}")
    return left.pop(0)


def milliseconds(options: "dict[str, str | None]", name: str, default_ms: int) -> int:
    """The duration that an option gives; the parser is only loaded when there is one."""
    text = options[name]
    if text is None:
        return default_ms
    from leader.durations import parse_duration_ms  # noqa: PLC0415 - most callers give none

    try:
        return parse_duration_ms(text)
    except ValueError as error:
        raise Usage(f"{name}: {error}") from None


def ask(path: str, election: str, deadline_ns: int) -> tuple[int, dict[str, str], int]:
    """The agent's answer: status, headers with lower-case names, and the instant just before it was asked.

    Raises:
        Unknown: there was no whole answer before the deadline.
    """
    request = (
        f"HEAD /v1/elections/{quote(election)}/leader HTTP/1.1\r\nHost: leader\r\nConnection: close\r\n\r\n"
    )
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connect(sock, path, deadline_ns)
        sent_ns = now_ns()
        sock.settimeout(patience_s(deadline_ns))
        sock.sendall(request.encode())
        head = receive(sock, deadline_ns)
    except OSError as error:
        raise Unknown(why_not(path, error)) from None
    finally:
        sock.close()
    try:
        return *understand(head), sent_ns
    except ValueError:
        raise Unknown(
            f"what answers at {path} is not a leader agent: check --socket and LEADER_SOCKET"
        ) from None


def receive(sock: _socket.socket, deadline_ns: int) -> bytes:
    """All up to the end of the headers: a part of an answer is none, its numbers may be cut."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        sock.settimeout(patience_s(deadline_ns))
        more = sock.recv(LONGEST_ANSWER)
        if not more or len(answer) > LONGEST_ANSWER:
            raise ConnectionResetError
        answer += more
    return answer.partition(b"\r\n\r\n")[0]


def understand(head: bytes) -> tuple[int, dict[str, str]]:
    """The status and the headers.

    Raises:
        ValueError: this is not HTTP.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, *_ = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(version)
    pairs = (line.partition(":") for line in lines)
    return int(status), {name.lower(): value.strip() for name, _, value in pairs}


def judge(election: str, status: int, headers: dict[str, str], sent_ns: int, for_ms: int) -> tuple[int, str]:
    """The exit code and the words for it: what is left of the lease now, all the time since the question off.

    Raises:
        Usage: there is no such election.
        Unknown: the answer is too old, or none.
    """
    if status == NOT_THERE and "leader-elections" in headers:
        there = headers["leader-elections"] or "none"
        raise Usage(f"there is no election {election!r} here; there is: {there}")
    remaining = headers.get("leader-remaining-ms", "")
    if status not in (LEADING, NOT_LEADING) or not remaining.isdecimal():
        raise Unknown(f"the agent gave no answer but status {status}: see its log")
    node, holder = headers.get("leader-node", "this node"), headers.get("leader-holder", "")
    if status == NOT_LEADING:
        return LEADS_NOT, f"{node} does not lead {election}; {holder or 'nobody'} does"
    left_ns = int(remaining) * MILLISECOND_NS - (now_ns() - sent_ns)
    if left_ns <= 0:
        raise Unknown("the answer is too old: the lease it tells of may have ended; ask again")
    left = f"for {left_ns // MILLISECOND_NS / 1000:.3f} s more at least"
    if left_ns < for_ms * MILLISECOND_NS:
        return LEADS_NOT, f"{node} leads {election}, but only {left}"
    return LEADS, f"{node} leads {election} with term {headers.get('leader-term', '?')}, {left}"


def say(descriptor: int, stream: object, words: str) -> None:
    """Write one line, unbuffered; a stream that is closed or full is no reason for a traceback."""
    if stream is None:
        return
    try:
        posix.write(descriptor, f"{words}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        return
