"""`leader once`: a command that runs at most once per tick in the whole cluster.

Every node calls it at the same tick. The agent of the node that leads claims the tick on the quorum, so the
command starts there; all the others learn of the claim and leave. The claim is not taken back when the
command ends: it refuses a second start until the gap is over. Source: the last section of the protocol.
"""

import contextlib
import os
import time

from leader.clock import now_ns
from leader.errors import AgentUnreachable, LeaderError, Refused, UsageError
from leader.jobs.claims import Call, Presence, Said, claim, report_end
from leader.jobs.command import ignored_signals
from leader.jobs.front import Ended, Front
from leader.jobs.limit import Answer, Limit
from leader.jobs.options import Words, read
from leader.jobs.start import complain, open_standard_streams
from leader.paths import client_socket

PROGRAM = "leader once"
UNDECIDED = 75
"""Leadership was lost under the command, patience ended, or nothing could be decided. Source: EX_TEMPFAIL."""

NS_PER_MS = 1_000_000
DEFAULT_GAP_MS = 45_000
LATE_MS = 10_000
LONGEST_WAIT_UNASKED_MS = 20_000
PAUSE_S = 0.1
ANSWER_NS = 2_000 * NS_PER_MS
LOST_ANSWER_NS = 5_000 * NS_PER_MS
END_NS = 5_000 * NS_PER_MS
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
            "gap_ms": self.gap_ms,
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
        LeaderError: the words are wrong, there is no such election, or no agent lets us claim.
    """
    options = Options(words)
    path = client_socket(os.environ, words.values.get("--socket"))
    call = Call(path, job_of(words), words.values.get("--election", "default"))
    answer = decide(call, options)
    match answer["leader-claim"]:
        case "yours":
            return start(call, answer, words, options)
        case "taken" | "overlaps":
            return options.skipped_exit
        case _:
            complain(PROGRAM, answer.get("leader-error", "nothing could be decided"))
            return UNDECIDED


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
    most_ms = max(0, gap_ms - LATE_MS)
    if wait_ms is not None and wait_ms > most_ms:
        raise UsageError(
            f"--wait {words.values['--wait']} is more than --gap less 10 s, {most_ms} ms: "
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


def decide(call: Call, options: Options) -> dict[str, str]:
    """The headers of the agent's answer; asked again, with the same nonce, until one has come or time is up.

    Raises:
        LeaderError: none came in time, or it was a refusal.
    """
    unasked_ms = max(0, min(LONGEST_WAIT_UNASKED_MS, options.gap_ms - LATE_MS * 3 // 2))
    patience_ms = unasked_ms if options.wait_ms is None else options.wait_ms
    until_ns = call.called_ns + patience_ms * NS_PER_MS
    is_asked = False
    while True:
        left_ms = max(0, (until_ns - now_ns()) // NS_PER_MS)
        wait: Said = {} if options.wait_ms is None and not is_asked else {"wait_ms": left_ms}
        try:
            answer = claim(call, options.wishes | wait, max(until_ns, now_ns()) + ANSWER_NS)
        except AgentUnreachable:
            if now_ns() >= max(until_ns, call.called_ns + LOST_ANSWER_NS * is_asked):
                raise
        else:
            if answer["leader-claim"] != "undecided" or now_ns() >= until_ns:
                return answer
        is_asked = True
        time.sleep(PAUSE_S)


def start(call: Call, answer: dict[str, str], words: Words, options: Options) -> int:
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
    started_ns = now_ns()
    if limit is None:
        complain(PROGRAM, "the command was not started: this node leads no more")
        tell_end(call, term, "stopped", UNDECIDED, started_ns)
        return UNDECIDED
    presence = Presence(call, term)
    ended = Front(PROGRAM, limit, ignored_signals(), presence).run(words.command, environment)
    presence.close()
    return conclude(call, term, ended, started_ns)


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


def conclude(call: Call, term: int, ended: Ended, started_ns: int) -> int:
    """Tell how the command ended; the exit code to end with."""
    if ended.lost:
        complain(PROGRAM, f"the command was stopped: {ended.lost}")
        tell_end(call, term, "stopped", UNDECIDED, started_ns)
        return UNDECIDED
    tell_end(call, term, "failed" if ended.exit_code else "done", ended.exit_code, started_ns)
    return ended.exit_code


def tell_end(call: Call, term: int, state: str, code: int, started_ns: int) -> None:
    """Have it written down by a majority; an agent that restarts is waited for, but not for long."""
    deadline_ns = now_ns() + END_NS
    duration_ms = (now_ns() - started_ns) // NS_PER_MS
    said: Said = {"state": state, "code": code, "duration_ms": duration_ms, "term": term}
    while True:
        with contextlib.suppress(AgentUnreachable):
            if report_end(call, said, deadline_ns):
                return
        if now_ns() >= deadline_ns:
            return
        time.sleep(PAUSE_S)
