"""Every way in which an instance gives no vote is told in one sentence with the remedy."""

import errno
import re
import socket
import ssl
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, NoScriptError, ResponseError

from leader.instances.answers import ANSWERS, ELIGIBILITIES, MINIMAL_ACL, Kind
from leader.instances.problems import (
    Problem,
    Subject,
    explain_answer,
    explain_eligibility,
    explain_failure,
    explain_timeout,
    is_answer,
    text_of,
)

SUBJECT = Subject("a", "10.0.0.11:6379", "prod", "agent")
ACL = MINIMAL_ACL.format(cluster="prod")
UNIX = Subject("a", "/run/redis.sock", "prod")

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parent / "error_texts.txt").read_text().splitlines()
    if not line.startswith("#")
]

OTHERS = {
    Kind.LOADING: "LOADING Redis is loading the dataset in memory",
    Kind.CLUSTER: "MOVED 3999 127.0.0.1:6381",
    Kind.DATABASE: "ERR DB index is out of range",
    Kind.PROTECTED: "DENIED Redis is running in protected mode because protected mode is enabled",
    Kind.UNKNOWN_COMMAND: "ERR unknown command 'EVALSHA', with args beginning with: '2f' '2'",
    Kind.KEY: "ERR user_script:63: LEADERKEY wrongtype leader:prod:nodes script: on @user_script:63.",
    Kind.NO_PASSWORD_SET: "ERR Client sent AUTH, but no password is set",
    Kind.UNEXPECTED: "ERR something that no version says today",
}


def said_in_one_sentence(problem: Problem) -> bool:
    """It names the instance, has no placeholder left, and a remedy or a place to look after a semicolon."""
    sentence = problem.sentence
    return (
        "instance a" in sentence
        and not re.search(r"[{}\n]|\.$", sentence)
        and bool(re.search(r"; \w|: ACL SETUSER", sentence))
    )


@pytest.mark.parametrize(("kind", "versions", "text"), ROWS)
def test_every_error_that_servers_gave_has_its_sentence(kind: str, versions: str, text: str) -> None:
    """The code counts wherever it stands: Redis up to 6.2 wraps the errors of scripts."""
    problem = explain_answer(SUBJECT, text)
    assert problem.kind == kind, versions
    assert not problem.votes
    assert said_in_one_sentence(problem), problem.sentence


@pytest.mark.parametrize(("kind", "text"), OTHERS.items())
def test_errors_that_are_hard_to_provoke_have_theirs_too(kind: Kind, text: str) -> None:
    """Loading, another slot, protected mode, a Sentinel, a foreign key, an unknown error."""
    problem = explain_answer(SUBJECT, text)
    assert problem.kind == kind
    assert said_in_one_sentence(problem), problem.sentence


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("NOPERM User agent has no permissions to run the 'evalsha' command", "ACL SETUSER agent +evalsha"),
        ("NOPERM this user has no permissions to run the 'script|load' command", "agent +script|load"),
        ("ERR LEADERCOMMAND INFO ERR The user executing the script can't run this command", "agent +info"),
        ("ERR LEADERCOMMAND HSET ERR ACL failure in script: User agent has no permissions to run", "+hset"),
        ("NOPERM No permissions to access a key", "ACL SETUSER agent ~leader:prod:*"),
        ("NOPERM No permissions to access a channel", "ACL SETUSER agent &leader:prod:*"),
        ("ERR The user executing the script can't run this command or subcommand", ACL),
    ],
)  # fmt: skip
def test_a_missing_right_prints_the_rule_that_grants_it(text: str, rule: str) -> None:
    """What is missing is named, and can be pasted."""
    assert explain_answer(SUBJECT, text).sentence.endswith(rule)


def test_a_foreign_key_is_named_with_the_command_that_removes_it() -> None:
    """The key stands in the script's error."""
    sentence = explain_answer(SUBJECT, "ERR LEADERKEY unreadable leader:prod:nodes script: x").sentence
    assert sentence.endswith("DEL leader:prod:nodes")


@pytest.mark.parametrize("eligibility", ["replica", "cluster", "sentinel", "evicts:allkeys-lru", "mode:odd"])
def test_an_instance_that_must_not_vote_says_why(eligibility: str) -> None:
    """Each word of the script has its sentence."""
    problem = explain_eligibility(SUBJECT, eligibility)
    assert problem.kind == ELIGIBILITIES[eligibility.split(":", maxsplit=1)[0]][0]
    assert said_in_one_sentence(problem), problem.sentence


def test_the_eviction_policy_is_named() -> None:
    """So that it can be found in the server's configuration."""
    assert "allkeys-lru" in explain_eligibility(SUBJECT, "evicts:allkeys-lru").sentence


def certificate_error() -> ssl.SSLCertVerificationError:
    """What ssl raises when a host name does not match."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "Hostname mismatch"
    error.verify_code = 62
    return error


def tls_error(reason: str) -> ssl.SSLError:
    """What ssl raises for a reason of OpenSSL's."""
    error = ssl.SSLError(1, f"[SSL: {reason}] …")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("subject", "error", "kind"),
    [
        (SUBJECT, ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), Kind.REFUSED),
        (SUBJECT, OSError(errno.EHOSTUNREACH, "No route to host"), Kind.UNREACHABLE),
        (SUBJECT, OSError(errno.ENETUNREACH, "Network is unreachable"), Kind.UNREACHABLE),
        (SUBJECT, ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), Kind.CONNECTION_LOST),
        (SUBJECT, socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Kind.NAME_NOT_FOUND),
        (SUBJECT, certificate_error(), Kind.CERTIFICATE),
        (SUBJECT, tls_error("WRONG_VERSION_NUMBER"), Kind.PLAIN_PORT),
        (SUBJECT, tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"), Kind.CERTIFICATE),
        (SUBJECT, tls_error("NO_PROTOCOLS_AVAILABLE"), Kind.TLS),
        (SUBJECT, InvalidResponse("Protocol Error: b'H'"), Kind.PROTOCOL),
        (SUBJECT, RedisConnectionError("Connection closed by server."), Kind.CONNECTION_LOST),
        (UNIX, FileNotFoundError(errno.ENOENT, "No such file or directory"), Kind.NO_SOCKET),
        (UNIX, PermissionError(errno.EACCES, "Permission denied"), Kind.SOCKET_FORBIDDEN),
        (UNIX, ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), Kind.REFUSED),
    ],
)
def test_what_keeps_an_answer_from_coming_has_a_sentence(
    subject: Subject, error: Exception, kind: Kind
) -> None:
    """Names, sockets, TLS and the protocol; redis-py wraps the cause, which is looked for."""
    wrapped = RedisConnectionError("Error 1 connecting")
    wrapped.__cause__ = error
    for shown in (error, wrapped):
        problem = explain_failure(subject, shown)
        assert problem.kind is kind
        assert said_in_one_sentence(problem), problem.sentence


@pytest.mark.parametrize("phase", ["resolving", "connecting", "handshaking", "answering"])
def test_a_timeout_says_what_was_waited_for(phase: str) -> None:
    """The resolver, the connection or the answer: each has another remedy."""
    problem = explain_timeout(SUBJECT, phase, 1000)
    assert "1000 ms" in problem.sentence
    assert said_in_one_sentence(problem)


def test_a_servers_error_is_told_from_the_lack_of_an_answer() -> None:
    """redis-py raises both as its own exceptions, and cuts the code off the text."""
    assert is_answer(ResponseError("ERR no"))
    assert is_answer(RedisConnectionError("max number of clients reached", status_code="ERR"))
    assert not is_answer(RedisConnectionError("Connection closed by server."))
    assert not is_answer(InvalidResponse("Protocol Error"))
    assert text_of(NoScriptError("No matching script.", status_code="NOSCRIPT")).startswith("NOSCRIPT ")


def test_every_row_of_the_table_can_be_reached() -> None:
    """No pattern is shadowed by all those above it: each kind occurs among the texts."""
    reached = {row[0] for row in ROWS} | set(OTHERS)
    assert {row.kind for row in ANSWERS} <= reached
