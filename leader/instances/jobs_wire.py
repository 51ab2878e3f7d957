"""How are calls about jobs written as the arguments of `jobs.lua`, and its reply read back?

Pure, as `wire.py`: nothing of what comes back is trusted to have the right shape.
"""

from collections.abc import Sequence

from leader.instances.shapes import array, difference, instant, name, text, texts, whole, word
from leader.instances.wire import Caller
from leader.protocol.record import FORMAT
from leader.protocol.runs import (
    LONGEST_LEDGER,
    ClaimTick,
    Look,
    Report,
    Run,
    RunState,
    TickAnswer,
    TickCall,
    TickReply,
    TickVerdict,
)

MOST_JOBS = 500
"""How many jobs an instance keeps; the one that was not started for the longest time makes room."""

_LARGEST_CODE = 255
_FIRST_RECORD = 2
_REPLY_PARTS = 3
_NO_RUN = ("", "", "", "", "0", "0", "0", "0", "0")


def encode(caller: Caller, calls: Sequence[TickCall], sent_ms: int) -> tuple[list[str], list[str]]:
    """The script's KEYS and ARGV; `sent_ms` is what the instance's clock shows now, 0 if nobody knows."""
    claims = [call.operation for call in calls if isinstance(call.operation, ClaimTick)]
    elections = list(dict.fromkeys(claim.run.election for claim in claims))
    keys = [caller.jobs_key, *(caller.record_key(election) for election in elections)]
    arguments = [str(FORMAT), caller.jobs_channel, str(LONGEST_LEDGER), str(MOST_JOBS), str(sent_ms)]
    for call in calls:
        arguments += _encode_call(call, elections)
    return keys, arguments


def _encode_call(call: TickCall, elections: list[str]) -> list[str]:
    match call.operation:
        case Look():
            return ["look", call.job, *_NO_RUN, "0", "0", "", ""]
        case Report(run, gap_ms):
            return ["report", call.job, *_encode_run(run), str(gap_ms), "0", "", ""]
        case ClaimTick(holder, run, gap_ms, instead_of):
            index = elections.index(run.election) + _FIRST_RECORD
            return [
                "claim",
                call.job,
                *_encode_run(run),
                str(gap_ms),
                str(index),
                str(holder),
                instead_of,
            ]


def _encode_run(run: Run) -> tuple[str, ...]:
    numbers = (run.term, run.tick_ms, run.age_ms, run.duration_ms, run.code)
    return (run.nonce, run.state, run.node, run.election, *map(str, numbers))


def decode(reply: object, calls: Sequence[TickCall]) -> TickReply:
    """The values that the script's reply says.

    Raises:
        ValueError: it is not a reply of this script to these calls.
    """
    parts = array(reply)
    if len(parts) != _REPLY_PARTS:
        raise ValueError(f"a reply of {len(parts)} parts")
    answers = array(parts[2])
    if len(answers) != len(calls):
        raise ValueError(f"{len(answers)} answers to {len(calls)} calls")
    return TickReply(word(text(parts[1])), tuple(_decode_answer(array(answer)) for answer in answers))


def _decode_answer(parts: list[object]) -> TickAnswer:
    verdict, *runs = parts
    if len(runs) > MOST_JOBS * LONGEST_LEDGER:
        raise ValueError(f"{len(runs)} runs")
    return TickAnswer(TickVerdict(text(verdict)), tuple(decode_run(run) for run in runs))


def decode_run(values: object) -> Run:
    """The run that an array of strings says, in an answer or as it was published.

    Raises:
        ValueError: it says none.
    """
    fields = texts(values)
    if len(fields) != len(_NO_RUN) + 1:
        raise ValueError(f"a run of {len(fields)} fields")
    job, nonce, state, node, election, term, tick_ms, age_ms, duration_ms, code = fields
    return Run(
        job=name(job),
        nonce=name(nonce),
        state=RunState(state),
        node=name(node),
        election=name(election),
        term=whole(term),
        tick_ms=instant(tick_ms),
        age_ms=difference(age_ms),
        duration_ms=whole(duration_ms),
        code=whole(code, _LARGEST_CODE),
    )
