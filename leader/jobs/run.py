"""`leader run`: a command that runs only while this node leads.

It waits to lead, and hands over to `front.py`, which stands for the command while `watcher.py` guards it.
"""

import os
import time

from leader.clock import now_ns
from leader.durations import format_duration
from leader.errors import AgentUnreachable, LeaderError, UsageError
from leader.guard import Guard
from leader.jobs.command import ignored_signals
from leader.jobs.front import Front
from leader.jobs.leadership import Leadership
from leader.jobs.lease import Lease
from leader.jobs.limit import NEVER_NS, Answer
from leader.jobs.options import Words, read
from leader.jobs.start import complain, open_standard_streams
from leader.paths import client_socket

PROGRAM = "leader run"
STOPPED = 75
"""The command was stopped because leadership was lost, or never started. Source: sysexits.h, EX_TEMPFAIL."""

PAUSE_S = 0.1
NS_PER_MS = 1_000_000
ASK_NS = 1_000 * NS_PER_MS
TELL_AFTER_NS = 2_000 * NS_PER_MS
WITH_VALUE = ("--grace", "--timeout", "--socket")
FLAGS = ("--forever",)


def main(arguments: list[str]) -> int | None:
    """Run what these words say; return the exit code, None if help is asked for."""
    open_standard_streams()
    try:
        words = read(arguments, WITH_VALUE, FLAGS)
        return None if words is None else run(words)
    except LeaderError as error:
        complain(PROGRAM, str(error))
        return error.exit_code


def run(words: Words) -> int:
    """Wait to lead, run the command, and again if it was stopped and `--forever` was said.

    Raises:
        LeaderError: the words are wrong, or there is no such election.
    """
    if len(words.names) > 1:
        raise UsageError(
            f"one election at a time: leave out {words.names[1]!r}; the command stands behind --"
        )
    path, election = client_socket(os.environ, words.values.get("--socket")), (*words.names, "default")[0]
    grace_ms, timeout_ms = words.milliseconds("--grace"), words.milliseconds("--timeout")
    ignored = ignored_signals()
    while True:
        until_ns = NEVER_NS if timeout_ms is None else now_ns() + timeout_ms * NS_PER_MS
        lease = Lease(path, election)
        guard = wait_to_lead(lease, until_ns)
        if guard is None:
            complain(PROGRAM, f"the command was not started: {lease.why}")
            return STOPPED
        check_grace(words, grace_ms, guard)
        front = Front(PROGRAM, Leadership(lease, guard, grace_ms), ignored)
        ended = front.run(words.command, environment_of(lease, guard))
        if not ended.lost:
            return ended.exit_code
        complain(PROGRAM, f"the command was stopped: {ended.lost}")
        if "--forever" not in words.values or front.was_told_to_end:
            return STOPPED


def check_grace(words: Words, grace_ms: int | None, guard: Guard) -> None:
    """See that the grace leaves room for a renewal that is late: else every command is stopped at once.

    Raises:
        UsageError: it does not.
    """
    if grace_ms is not None and grace_ms > guard.lease_ms // 2:
        guard.close()
        raise UsageError(
            f"--grace {words.values['--grace']} is more than half of the lease, "
            f"{format_duration(guard.lease_ms)}: "
            "say a shorter one, or raise quorum.lease"
        )


def environment_of(lease: Lease, guard: Guard) -> dict[str, str]:
    """What a command that runs under a leadership is told."""
    return {
        "LEADER_ELECTION": lease.election,
        "LEADER_TERM": str(lease.term),
        "LEADER_NODE": guard.node,
        "LEADER_CLUSTER": guard.cluster,
        "LEADER_SOCKET": lease.path,
    }


def wait_to_lead(lease: Lease, until_ns: int) -> Guard | None:
    """The guard, once this node leads and the agent knows of it; None if time ran out first.

    It is asked once more after the guard stands: a hand-over in between is then seen.

    Raises:
        UnknownElection: there is none of that name.
    """
    began_ns, told = now_ns(), ""
    while True:
        answer = lease.ask(now_ns() + ASK_NS)
        if (
            answer is Answer.UNKNOWN
            and lease.why != told
            and now_ns() - began_ns > TELL_AFTER_NS < until_ns - began_ns
        ):
            told = lease.why
            complain(PROGRAM, f"waiting to lead: {told}")
        if answer is Answer.LEADS:
            try:
                guard = Guard(lease.path, lease.election, now_ns() + ASK_NS)
            except AgentUnreachable as error:
                lease.why = str(error)
            else:
                if lease.ask(now_ns() + ASK_NS) is Answer.LEADS:
                    return guard
                guard.close()
        time.sleep(max(0, min(PAUSE_S, (until_ns - now_ns()) / 1e9)))
        if now_ns() >= until_ns:
            return None
