"""`leader once`: a command that runs at most once per tick in the whole cluster.

Every node calls it at the same tick. The agent of the node that leads claims the tick on the quorum, so the
command starts there; all the others learn of the claim and leave. The claim is not taken back when the
command ends: it refuses a second start until the gap is over. Source: the last section of the protocol.
"""

import os

from leader.claims import (
    ANSWER_NS,
    Asking,
    Call,
    Headers,
    Presence,
    Run,
    Said,
    decide,
    is_ours,
    tell_end,
)
from leader.clock import now_ns
from leader.durations import format_duration
from leader.errors import AgentUnreachable, LeaderError, Refused, UsageError
from leader.jobs.command import ignored_signals
from leader.jobs.front import Ended, Front
from leader.jobs.limit import Answer, Limit
from leader.jobs.options import Words, read
from leader.jobs.start import complain, open_standard_streams
from leader.paths import client_socket
from leader.protocol.gap import DEFAULT_GAP_MS, longest_wait_ms

PROGRAM = "leader once"
UNDECIDED = 75
"""Leadership was lost under the command, patience ended, or nothing could be decided. Source: EX_TEMPFAIL."""
LARGEST_EXIT = 254
WITH_VALUE = (
    *("--election", "--gap", "--wait", "--overlap"),
    *("--max-run", "--skipped-exit", "--socket"),
)
FLAGS = ("--rerun-interrupted", "--stop-on-loss")


class Options:
    """What was asked for; `wait_ms` is None for the agent's default."""

    def __init__(self, words: Words) -> None:
        """The options, checked.

        Raises:
            UsageError: one of them is wrong, or they do not go together.
        """
        gap_ms = words.milliseconds("--gap")
        self.gap_ms = DEFAULT_GAP_MS if gap_ms is None else gap_ms
        self.wait_ms = words.milliseconds("--wait")
        check_wait(words, self.wait_ms, self.gap_ms)
        self.max_run_ms = words.milliseconds("--max-run")
        self.skipped_exit = skipped_exit(words)
        self.stops_on_loss = "--stop-on-loss" in words.values
        self.wishes: Said = {
            "overlap": overlap(words),
            "rerun_interrupted": "--rerun-interrupted" in words.values,
        }


def main(arguments: list[str]) -> int | None:
    """Run what these words say; return the exit code, None if help is asked for."""
    open_standard_streams()
    try:
        words = read(arguments, WITH_VALUE, FLAGS)
        return None if words is None else once(words)
    except LeaderError as error:
        complain(PROGRAM, str(error))
        return UNDECIDED if isinstance(error, AgentUnreachable | Refused) else error.exit_code


def once(words: Words) -> int:
    """Claim this tick, and run the command if it is ours.

    Raises:
        LeaderError: the words are wrong, there is no such election, no agent lets us claim, or none decides.
    """
    options = Options(words)
    path = client_socket(os.environ, words.values.get("--socket"))
    call = Call(path, job_of(words), words.values.get("--election", "default"))
    answer = decide(Asking(call, options.wishes, options.gap_ms, options.wait_ms))
    return start(call, answer, words, options) if is_ours(answer) else options.skipped_exit


def job_of(words: Words) -> str:
    """The JOB that was named.

    Raises:
        UsageError: none was, or several.
    """
    if not words.names:
        raise UsageError("name the job, the same on every node, as in: once report -- /usr/local/bin/report")
    if len(words.names) > 1:
        raise UsageError(f"one job at a time: leave out {words.names[1]!r}; the command stands behind --")
    return words.names[0]


def check_wait(words: Words, wait_ms: int | None, gap_ms: int) -> None:
    """See that no waiter can outlast the gap.

    Raises:
        UsageError: one could.
    """
    most_ms = longest_wait_ms(gap_ms)
    if wait_ms is not None and wait_ms > most_ms:
        raise UsageError(
            f"--wait {words.values['--wait']} is more than --gap less 10s, {format_duration(most_ms)}: "
            "a late waiter could start the tick again; say a shorter one, or a longer --gap"
        )


def overlap(words: Words) -> str:
    """Whether a tick may start while the last run still runs.

    Raises:
        UsageError: it is neither said.
    """
    said = words.values.get("--overlap", "allow")
    if said not in ("allow", "skip"):
        raise UsageError(f"--overlap is {said!r}: say allow or skip")
    return said


def skipped_exit(words: Words) -> int:
    """The exit code for a tick that is rightly not ours.

    Raises:
        UsageError: it is none.
    """
    text = words.values.get("--skipped-exit", "0")
    if text not in map(str, range(LARGEST_EXIT + 1)):
        raise UsageError(f"--skipped-exit is {text!r}: say a number from 0 to {LARGEST_EXIT}")
    return int(text)


def start(call: Call, answer: Headers, words: Words, options: Options) -> int:
    """Run the command, and tell how it ended; its own exit code, or 75 if it was stopped."""
    term = int(answer["leader-term"])
    environment = {
        "LEADER_ELECTION": call.election,
        "LEADER_TERM": str(term),
        "LEADER_NODE": answer["leader-node"],
        "LEADER_CLUSTER": answer["leader-cluster"],
        "LEADER_SOCKET": call.path,
        "LEADER_JOB": call.job,
        "LEADER_TICK": answer["leader-tick"],
    }
    limit = limit_of(call, term, options)
    run = Run(call, term)
    if limit is None:
        complain(PROGRAM, "the command was not started: this node leads no more")
        tell_end(run, "stopped", UNDECIDED)
        return UNDECIDED
    presence = Presence(run)
    ended = Front(PROGRAM, limit, ignored_signals(), presence).run(words.command, environment)
    presence.close()
    return conclude(run, ended)


def limit_of(call: Call, term: int, options: Options) -> Limit | None:
    """How long the command may run; None if it is to run only under a leadership that is over."""
    if not options.stops_on_loss:
        return Limit(options.max_run_ms)
    from leader.guard import Guard  # noqa: PLC0415 - most commands run on
    from leader.jobs.leadership import Leadership  # noqa: PLC0415 - likewise
    from leader.jobs.lease import Lease  # noqa: PLC0415 - likewise

    lease = Lease(call.path, call.election)
    if lease.ask(now_ns() + ANSWER_NS) is not Answer.LEADS or lease.term != term:
        return None
    try:
        guard = Guard(call.path, call.election, now_ns() + ANSWER_NS)
    except AgentUnreachable:
        return None
    return Leadership(lease, guard, most_ms=options.max_run_ms)


def conclude(run: Run, ended: Ended) -> int:
    """Tell how the command ended; the exit code to end with."""
    if ended.lost:
        complain(PROGRAM, f"the command was stopped: {ended.lost}")
        tell_end(run, "stopped", UNDECIDED)
        return UNDECIDED
    tell_end(run, "failed" if ended.exit_code else "done", ended.exit_code)
    return ended.exit_code
