"""One run: a lab, a nemesis, probers and ticks for so many minutes; then the verdict of the checker.

It is kept when a promise was broken: its seed, history, timeline and picture, in a directory of its own.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from leader.clock import now_ns
from tests.chaos.changes import LONGER, Operator
from tests.chaos.checker import Violation, check, counts, promised, recovery_ns
from tests.chaos.history import NS_PER_S, History, Size, answers_of, lines_of, releases_of
from tests.chaos.kinds import Harm
from tests.chaos.lab import Lab, Shape, Sizes
from tests.chaos.nemesis import Nemesis
from tests.chaos.picture import draw
from tests.chaos.ticks import Ticks
from tests.chaos.timeline import Timeline
from tests.chaos.trial import LEADER, Trial

LEASE_MS = 1000
REST_S = 2.0
"""How long a calm lasts after all agree."""
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen in a run."""

    seed: str
    acts: Iterable[Harm]
    """What servers suffer, act by act."""
    only: Sequence[str] = ()
    """The kinds of faults that are played, if not all."""
    changes: bool = False
    """An operator changes the quorum, and reloads every agent for that: so no sizes are compared."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    shape: Shape
    history: History
    violations: Sequence[Violation]
    troubles: Sequence[str]
    acts: Sequence[Harm]
    """What servers suffered in each act, so that the same acts can be played to others."""


@contextmanager
def program(directory: Path, name: str, *words: str) -> Iterator[None]:
    """One of the lab's own programs that look on, until the end of its standard input."""
    command = [sys.executable, str(HERE / f"{name}.py"), str(directory / name), *words]
    looking = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        looking.communicate()


def run(plan: Plan, directory: Path, trial: Trial = LEADER, *, compares: bool = False) -> Outcome:
    """Run, and judge; all that was written is in that directory then.

    `compares`: without ticks, which not everything on trial can start, and without a look at sizes; and where
    nobody leads any more after an act, servers are emptied by hand, and the next act is played.
    """
    shape = replace(Shape.drawn(Random(plan.seed), LEASE_MS), spares=int(plan.changes))
    timeline = Timeline(directory / "timeline")
    timeline.tell(f"seed {plan.seed}: {shape}")
    played: list[Harm] = []
    with Lab(directory, shape, timeline, trial) as lab:
        operator = Operator(lab) if plan.changes else None
        nemesis = Nemesis(lab, plan.seed, plan.only, operator)
        ticks = Ticks(lab, directory)
        sizes: Callable[[], Sizes] = dict if compares or plan.changes else lab.sizes
        before = sizes()
        with observed(lab, directory), nullcontext() if compares else ticks:
            if lab.calm_down():
                before = sizes()
                played += play(nemesis, lab, plan, trial, mends=compares)
                nemesis.finish()
        after = sizes()
        history = History(
            shape.servers,
            int(shape.lease_ms * (LONGER if plan.changes else 1)),
            answers_of(lines_of(directory / "prober")),
            [
                *releases_of(lines_of(directory / "listener")),
                *(release for node in lab.nodes.values() for release in node.releases()),
            ],
            ticks.ticks,
            ticks.starts,
            timeline.spells,
            timeline.calms,
            lab.load.overloads,
            [
                size_of(name, before[name], after[name])
                for name in before
                if before[name][0] == after[name][0]
            ],
            {node.name: node.jumps_told for node in lab.nodes.values()},
            operator.completed if operator else 0,
            [*lab.crashes, *lab.tracebacks()],
        )
    violations = check(history)
    for violation in violations:
        timeline.tell(f"broken at {(violation.at - timeline.begin) / NS_PER_S:.3f}: {violation}")
    draw(history, violations, directory / "picture.svg")
    return Outcome(shape, history, violations, nemesis.troubles, played)


@contextmanager
def observed(lab: Lab, directory: Path) -> Iterator[None]:
    """Every node is asked, and every server listened to, meanwhile."""
    places = [f"{node}={node.socket}" for node in lab.nodes.values()]
    with program(directory, "listener", *(str(server.place) for server in lab.servers)):
        with program(directory, "prober", *places):
            yield


def for_minutes(minutes: float) -> Iterator[Harm]:
    """Act after act, for so long: in the first half servers forget, in the second one their clocks lie.

    Never both: with clocks that stand behind the highest term, servers that forget it may repeat it to an
    agent that never saw it, which nobody promised. After the calm in between every agent knows the term.
    """
    begin, length = now_ns(), int(minutes * 60 * NS_PER_S)
    while (passed := now_ns() - begin) < length:
        yield Harm.FORGETS if passed < length / 2 else Harm.LIES


def is_broken(directory: Path) -> bool:
    """Whether what was heard so far in that directory's run breaks a promise."""
    answers = answers_of(lines_of(directory / "prober"))
    return bool(check(History(0, LEASE_MS, answers, releases_of(lines_of(directory / "listener")))))


def play(nemesis: Nemesis, lab: Lab, plan: Plan, trial: Trial, *, mends: bool) -> Iterator[Harm]:
    """Play the acts, with a calm after each; say which were played, up to one that nobody recovers from.

    What is bent to be found out plays none after it was.
    """
    resting = threading.Event()
    for number, harm in enumerate(plan.acts):
        nemesis.play(number, harm)
        yield harm
        if trial.is_bent and is_broken(lab.directory):
            return
        if not lab.calm_down() and not (mends and lab.mend()):
            return
        resting.wait(REST_S)
        lab.timeline.tell(
            f"resident: {', '.join(f'{n} {n.resident / 2**20:.1f}' for n in lab.nodes.values())} MB"
        )


def size_of(node: str, before: tuple[int, int, int], after: tuple[int, int, int]) -> Size:
    """How one process grew that lived from the beginning to the end."""
    return Size(node, (before[1], after[1]), (before[2], after[2]))


def report(outcome: Outcome) -> str:
    """What a person reads."""
    history = outcome.history
    heard = [answer for answer in history.answers if answer.is_yes]
    terms = {answer.term for answer in heard}
    took = sorted((calm.agreed - calm.begin) / NS_PER_S for calm in history.calms if calm.agreed) or [0.0]
    longest_s = max((recovery_ns(history, calm) for calm in history.calms), default=0) / NS_PER_S
    overloaded_s = sum(overload.end - overload.begin for overload in history.overloads) / NS_PER_S
    lines = [
        f"{history.servers} servers, a lease of {history.lease_ms} ms",
        f"{len(history.answers)} answers, {len(heard)} of them yes, with {len(terms)} terms",
        f"{len(history.ticks)} ticks, {len(promised(history))} promised, {len(history.starts)} starts",
        f"{len(took)} calms, a leader after {took[len(took) // 2]:.2f} s (median), {took[-1]:.2f} s (most)",
        f"at most {longest_s:.2f} s of that while all answer, on a machine that is not overloaded",
        f"(overloaded for {overloaded_s:.1f} s in all)",
        *map(size_in_words, history.sizes),
        *(f"{count:6} {kind}" for kind, count in sorted(counts(history).items())),
        *(f"trouble: {trouble}" for trouble in outcome.troubles),
        *(f"BROKEN {violation}" for violation in outcome.violations),
    ]
    return "\n".join(lines)


def size_in_words(size: Size) -> str:
    """How one process grew."""
    descriptors = "{}, then {} descriptors".format(*size.descriptors)
    resident = "{:.1f}, then {:.1f} MB".format(*(value / 2**20 for value in size.resident))
    return f"one process of {size.node} from beginning to end: {descriptors}; {resident}"
