"""Did the history keep the promises? Each rule reads it from outside, as a user could.

Independent of what is under test: nothing of `leader` is imported, here or in what is imported here. A rule
that could not fail would say nothing, so each has a doctored history that it must reject, in its test.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tests.chaos.history import CHANGED, NS_PER_MS, NS_PER_S, SET_CLOCK, Answer, Calm, History, Spell, Tick

SEEN_LATE_NS = 50 * NS_PER_MS
"""How much later than the release itself its announcement may have been read."""
ANSWER_WITHIN_S = 15.0
"""Of the last fault: then every agent answers, also one that was just started; so long may Python take."""
AGREE_WITHIN_LEASES = 3.0
"""Of that: then all nodes agree on a leader.

A dead connection is found and replaced within a beat and two time-outs (1/3 + 2/10), a record is watched for
a lease, a claim may fail once and be held back (1/4 + 1/2), and a beat and a time-out later everybody knows
of the leader (1/3 + 1/10): 2.7 leases.
"""
MORE_RESIDENT = 5 * 1024 * 1024
SURE_SHARE = 0.9
"""No more of a lease than this is ever sure."""
BEFORE_NS = NS_PER_S
"""A fault that ended so shortly before a tick still counts as one during it: a lease, and a beat."""
TO_CLAIM_NS = 2 * NS_PER_S
"""A leader that is known so long before a tick's wait is over can claim it."""
HEARD_WITHIN_NS = 2 * NS_PER_S
"""Of the end of a calm, which the lab lets last for so long."""
MILD = frozenset({"agent killed", "agent ended", "agent reloaded", "stepped down", CHANGED})
"""A tick starts all the same: the agent that claims it comes back within the wait, if it is one of these."""


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One promise that was broken: when, and in which way."""

    at: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


def check(history: History) -> list[Violation]:
    """Every broken promise, in the order of time."""
    return sorted(violation for rule in RULES for violation in rule(history))


def yeses(history: History) -> list[Answer]:
    """All that said that their node leads, in the order in which they were received."""
    return sorted((answer for answer in history.answers if answer.is_yes), key=lambda answer: answer.received)


def terms_are_of_one_node(history: History) -> Iterator[Violation]:
    """No two nodes ever lead with one term."""
    first: dict[int, Answer] = {}
    for answer in yeses(history):
        before = first.setdefault(answer.term, answer)
        if answer.asked != before.asked:
            yield Violation(
                answer.received, "one node", f"{before.asked} and {answer.asked} led with {answer.term}"
            )


def terms_grow(history: History) -> Iterator[Violation]:
    """After a yes of some term was received, no question sent later is answered yes with a lower one."""
    heard = yeses(history)
    moments = [answer.received for answer in heard]
    highest = list(accumulate((answer.term for answer in heard), max))
    told = set()
    for answer in heard:
        before = bisect_left(moments, answer.sent)
        if before and highest[before - 1] > answer.term and answer.term not in told:
            told.add(answer.term)
            what = f"{answer.asked} led with {answer.term} after {highest[before - 1]} had been heard"
            yield Violation(answer.received, "order", what)


def leases_are_apart(history: History) -> Iterator[Violation]:
    """Two terms are sure at one time only if the lower one was released before the higher was heard."""
    for low, high, at in unreleased_overlaps(history):
        shared_ms = (min(low.end, high.end) - at) / NS_PER_MS
        both = f"{low.asked} ({low.term}) and {high.asked} ({high.term})"
        yield Violation(at, "expiry", f"{both} led for {shared_ms:.1f} ms")


def unreleased_overlaps(history: History) -> Iterator[tuple[Answer, Answer, int]]:
    """The overlaps that no release excuses."""
    released: dict[int, int] = {}
    for release in history.releases:
        released[release.term] = min(release.at, released.get(release.term, release.at))
    heard: dict[int, int] = {}
    for answer in yeses(history):
        heard.setdefault(answer.term, answer.received)
    for low, high, at in overlaps(history):
        if low.term not in released or released[low.term] > heard[high.term] + SEEN_LATE_NS:
            yield low, high, at


def overlaps(history: History) -> Iterator[tuple[Answer, Answer, int]]:
    """For each two terms that were sure at one time: the first words that say so, and when."""
    sure: dict[int, Answer] = {}
    told = set()
    for answer in yeses(history):
        if answer.end <= answer.received:
            continue
        for term, before in list(sure.items()):
            low, high = sorted((before, answer), key=lambda one: one.term)
            if before.end <= answer.received:
                del sure[term]
            elif term != answer.term and (low.term, high.term) not in told:
                told.add((low.term, high.term))
                yield low, high, answer.received
        if answer.term not in sure or sure[answer.term].end < answer.end:
            sure[answer.term] = answer


def answers_make_sense(history: History) -> Iterator[Violation]:
    """A node says yes or no, in its own name, and promises no more than the lease."""
    for answer in history.answers:
        if answer.status not in (200, 503):
            yield Violation(answer.received, "answer", f"{answer.asked} answered with {answer.status}")
        elif answer.node != answer.asked:
            yield Violation(answer.received, "answer", f"{answer.asked} answered as {answer.node!r}")
        elif answer.remaining_ms > SURE_SHARE * history.lease_ms:
            yield Violation(
                answer.received, "answer", f"{answer.asked} was sure for {answer.remaining_ms} ms"
            )


def clocks_that_are_set_unseat(history: History) -> Iterator[Violation]:
    """Who led when its wall clock was set does not lead on with that term once the fault is over."""
    for spell in history.spells:
        if spell.kind != SET_CLOCK:
            continue
        (node,) = (name.removeprefix("agent:") for name in spell.touches)
        own = [answer for answer in yeses(history) if answer.asked == node]
        before = {answer.term for answer in own if answer.received < spell.begin}
        after = next((answer for answer in own if answer.sent > spell.end and answer.term in before), None)
        if after is not None:
            what = f"{node} led on with {after.term} after its wall clock had been set"
            yield Violation(after.received, "clock", what)


def clocks_that_are_nudged_do_not(history: History) -> Iterator[Violation]:
    """No agent takes a wall clock that moves by less than a tenth of the lease for one that was set."""
    sets = Counter(name for spell in history.spells if spell.kind == SET_CLOCK for name in spell.touches)
    for node, told in history.jumps.items():
        if told > sets[f"agent:{node}"]:
            what = (
                f"{node} told of {told} jumps of its wall clock, which was set {sets[f'agent:{node}']} times"
            )
            yield Violation(0, "clock", what)


def ticks_start_once_at_most(history: History) -> Iterator[Violation]:
    """No tick starts twice, unless a majority of the servers forgot it while nodes still waited."""
    starts = starts_of(history)
    for tick in history.ticks:
        nodes = starts[tick.number]
        if len(nodes) > 1 and not is_forgotten(history, tick):
            yield Violation(tick.at, "once", f"{tick.job} started {len(nodes)} times, on {', '.join(nodes)}")


def ticks_start_where_promised(history: History) -> Iterator[Violation]:
    """A tick starts if a majority is up all the time, and its claimer's machine lives."""
    starts = starts_of(history)
    for tick in promised(history):
        if not starts[tick.number]:
            yield Violation(tick.at, "missed", f"{tick.job} was started by nobody, though a majority was up")


def a_leader_is_found(history: History) -> Iterator[Violation]:
    """After the last of some faults all agents soon answer, and then soon agree on a leader."""
    for calm in history.calms:
        silent_ns = quiet_ns(history, calm.begin, calm.answered or calm.end)
        if silent_ns > ANSWER_WITHIN_S * NS_PER_S:
            what = f"an agent did not answer for {silent_ns / NS_PER_S:.1f} s"
            yield Violation(calm.begin, "recovery", what)
        leaderless_ns = recovery_ns(history, calm)
        if leaderless_ns > AGREE_WITHIN_LEASES * history.lease_ms * NS_PER_MS:
            what = f"the nodes did not agree on a leader for {leaderless_ns / NS_PER_S:.1f} s"
            yield Violation(calm.begin, "recovery", what)
        elif calm.agreed is None:
            what = "the nodes did not agree on a leader at all, on a machine that is overloaded"
            yield Violation(calm.begin, "recovery", what)


def everybody_is_heard(history: History) -> Iterator[Violation]:
    """In each calm every node was heard, and a leader with a lease: what was not seen would pass as kept.

    The lab asks for itself; what is judged here was written down by programs of their own, which may fail.
    """
    nodes = {answer.asked for answer in history.answers}
    for calm in history.calms:
        if calm.agreed is None:
            continue
        until = calm.end + HEARD_WITHIN_NS
        heard = [answer for answer in history.answers if calm.begin <= answer.received <= until]
        for node in sorted(nodes - {answer.asked for answer in heard}):
            yield Violation(calm.begin, "evidence", f"{node} answered, but was not heard")
        if not any(answer.is_yes and answer.end > answer.received for answer in heard):
            yield Violation(calm.begin, "evidence", "all agreed on a leader, but none was heard to lead")


def recovery_ns(history: History, calm: Calm) -> int:
    """For how long all agents answered and did not agree, without the machine keeping them from running."""
    return 0 if calm.answered is None else quiet_ns(history, calm.answered, calm.agreed or calm.end)


def quiet_ns(history: History, begin: int, end: int) -> int:
    """The longest time in a row, of that between two moments, in which the machine was not overloaded."""
    within = [one for one in history.overloads if begin < one.end and one.begin < end]
    begins = [begin, *(one.end for one in within)]
    ends = [*(one.begin for one in within), end]
    return max(0, *(after - before for before, after in zip(begins, ends, strict=True)))


def overloaded_ns(history: History, begin: int, end: int) -> int:
    """How much of the time between two moments the machine was overloaded."""
    return sum(max(0, min(end, one.end) - max(begin, one.begin)) for one in history.overloads)


def nothing_leaks(history: History) -> Iterator[Violation]:
    """An agent has as many descriptors at the end as at the beginning, and about as much memory."""
    for size in history.sizes:
        before, after = size.descriptors
        if before != after:
            yield Violation(0, "leak", f"{size.node} had {before} descriptors, and then {after}")
        grown = size.resident[1] - size.resident[0]
        if grown > MORE_RESIDENT:
            yield Violation(0, "leak", f"{size.node} grew by {grown / 2**20:.1f} MB")


def nothing_crashes(history: History) -> Iterator[Violation]:
    """No agent ends by itself, and none writes a traceback."""
    return (Violation(0, "crash", crash) for crash in history.crashes)


RULES: tuple[Callable[[History], Iterator[Violation]], ...] = (
    terms_are_of_one_node,
    terms_grow,
    leases_are_apart,
    answers_make_sense,
    clocks_that_are_set_unseat,
    clocks_that_are_nudged_do_not,
    ticks_start_once_at_most,
    ticks_start_where_promised,
    a_leader_is_found,
    everybody_is_heard,
    nothing_leaks,
    nothing_crashes,
)


def starts_of(history: History) -> dict[int, list[str]]:
    """The nodes on which each tick's job was started."""
    starts: dict[int, list[str]] = defaultdict(list)
    for start in history.starts:
        starts[start.number].append(start.node)
    return starts


def during(history: History, tick: Tick, long_ns: int) -> list[Spell]:
    """The faults that ran in so much time after this tick, or shortly before it."""
    begin, end = tick.at - BEFORE_NS, tick.at + long_ns
    return [spell for spell in history.spells if spell.begin < end and begin < spell.end]


def is_forgotten(history: History, tick: Tick) -> bool:
    """Whether so many servers lost their memory of the tick that a second start is no broken promise."""
    servers = {server for spell in during(history, tick, tick.wait + BEFORE_NS) for server in spell.forgets}
    return len(servers) >= history.majority


def promised(history: History) -> list[Tick]:
    """The ticks that must start, if the machine is not overloaded for too much of the time to claim them.

    Either nothing goes on, and a leader is there; or what goes on while nodes wait is mild, or at a minority
    of the servers only, and a leader is there in good time.
    """
    asked = sorted(answer.sent for answer in yeses(history))
    return [
        tick
        for tick in history.ticks
        if overloaded_ns(history, tick.at, tick.at + tick.wait) < TO_CLAIM_NS
        and (
            (not during(history, tick, TO_CLAIM_NS) and is_led(asked, tick.at, BEFORE_NS))
            or (bears(history, tick) and is_led(asked, tick.at, tick.wait - TO_CLAIM_NS))
        )
    ]


def is_led(asked: Sequence[int], begin: int, long_ns: int) -> bool:
    """Whether a question was answered yes in so much time; `asked` has the moments of all those that were."""
    first = bisect_left(asked, begin)
    return first < len(asked) and asked[first] < begin + long_ns


def bears(history: History, tick: Tick) -> bool:
    """Whether all that goes on while nodes wait for this tick is mild, or at a minority of the servers."""
    spells = [spell for spell in during(history, tick, tick.wait) if spell.kind not in MILD]
    wounds = {name for spell in spells for name in spell.touches}
    is_at_servers = all(name.startswith("server:") for name in wounds)
    return is_at_servers and len(wounds) <= history.servers - history.majority


def counts(history: History) -> Counter[str]:
    """How often each kind of fault ran."""
    return Counter(spell.kind for spell in history.spells)
