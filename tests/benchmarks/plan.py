"""What `make bench` runs, in which order, what side by side, and how long each takes.

A step is one of the programs of this folder with its words. Steps share the machine where they mostly wait;
what a step may cost another one is said on the page beside its figures. Knows nothing of how they are run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GRACE_S = 180.0
"""What a step may take beyond twice the time that is planned for it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One program, its words in full and when it is to be quick, and the minutes that both take.

    Without quick words it is left out of a quick run. What yields has the processor when no other wants it.
    """

    program: str
    label: str = ""
    words: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = None
    minutes: float = 1.0
    quick_minutes: float = 1.0
    yields: bool = False

    @property
    def name(self) -> str:
        """What it is called, on the page and by those who choose it."""
        return f"{self.program} {self.label}".strip().replace("_", " ")

    @property
    def slug(self) -> str:
        """The same as a word."""
        return self.name.replace(" ", "-")

    def command(self, *, quick: bool) -> tuple[str, ...]:
        """The words of this run."""
        return (self.quick or ()) if quick else self.words

    def planned(self, *, quick: bool) -> float:
        """How many minutes this run should take."""
        return self.quick_minutes if quick else self.minutes


Group = tuple[Step, ...]
"""Steps that run side by side."""


def failover(lease_s: int, minutes: float, *quick: str) -> Step:
    """The crashes at one lease."""
    words = ("crashes", "--lease", str(lease_s))
    return Step("failover", f"lease {lease_s} s", words, (*words, *quick) if quick else None, minutes)


def hand_over(candidates: int, minutes: float, *quick: str) -> Step:
    """The hand-overs among so many."""
    words = ("hand-overs", "--candidates", str(candidates))
    label = f"among {candidates}"
    return Step("failover", label, words, (*words, *quick) if quick else None, minutes, 1.5)


def footprint(instances: int, minutes: float, *quick: str) -> Step:
    """What agents cost on so many instances."""
    words = ("--instances", str(instances))
    return Step("footprint", f"{instances} instances", words, (*words, *quick) if quick else None, minutes)


def scale(label: str, words: str, minutes: float, quick: str | None = None) -> Step:
    """Some sizes of a crowd."""
    return Step("scale", label, tuple(words.split()), tuple(quick.split()) if quick else None, minutes)


def burden(label: str, word: str) -> Step:
    """A quarter of an hour of trouble."""
    return Step("load", label, (word,), (word, "--quick"), 15.6, 1.2)


PLAN: tuple[Group, ...] = (
    (Step("hot_path", "", (), (), 1.0, 1.5),),
    (Step("question", "", (), ("--quick",), 0.8, 0.5),),
    (Step("start", "", (), ("--quick",), 2.7, 0.6),),
    (Step("api", "", (), ("--quick",), 1.2, 0.5),),
    (failover(1, 1.9, "--times", "4"),),
    (failover(2, 2.3, "--times", "4"),),
    (failover(5, 1.0), failover(10, 1.6, "--times", "5")),
    (
        Step("failover", "20 candidates", ("crashes", "--lease", "2", "--candidates", "20"), None, 2.4),
        Step("simulated", "", (), ("--quick",), 3.0, 0.3, yields=True),
    ),
    (hand_over(3, 5.0, "--times", "4"),),
    (hand_over(20, 5.5),),
    (footprint(3, 3.9, "--quick"), footprint(5, 2.9), footprint(7, 2.9)),
    (
        scale("3 nodes", "--nodes 3", 2.5, "--nodes 3 --quick"),
        scale("30 nodes", "--nodes 30", 2.5, "--nodes 30 --quick"),
        scale("100 nodes", "--nodes 100", 2.6),
    ),
    (
        scale("1 election", "--nodes 10 --elections 1", 1.1),
        scale("10 elections", "--nodes 10 --elections 10", 1.1),
        scale("100 elections", "--nodes 10 --elections 100", 1.2),
    ),
    (scale("by instances", "--nodes 100 --instances 3 7", 2.2),),
    (scale("300 and 1000 nodes", "--nodes 300 1000", 5.6),),
    (burden("cores busy", "cores"),),
    (burden("disk busy", "disk"),),
    (burden("slow instance", "slow"),),
    (burden("lost packets", "loss"),),
    (Step("faults", "", (), (), 1.5, 1.5),),
    (Step("once", "", (), ("--starts", "10", "--leaves", "5", "--jobs", "30"), 2.0, 0.5),),
    (Step("status", "", (), ("--times", "5"), 0.6, 0.3),),
    (Step("probes", "", (), ("--requests", "3000"), 1.0, 0.3),),
    (Step("deadline", "", (), ("--times", "5"), 2.5, 0.4),),
    (Step("ticks", "", (), ("--ticks", "12"), 6.6, 1.3),),
)

STEPS = tuple(step for group in PLAN for step in group)
PROGRAMS = tuple(dict.fromkeys(step.program for step in STEPS))


def chosen(names: Sequence[str], *, quick: bool) -> list[Group]:
    """The groups of what is named: whole programs, or steps by their slugs; all if none is."""
    wanted = [
        tuple(
            step
            for step in group
            if (not names or step.program in names or step.slug in names)
            and not (quick and step.quick is None)
        )
        for group in PLAN
    ]
    return [group for group in wanted if group]


def fitting(groups: Sequence[Group], within: float, *, quick: bool) -> list[Group]:
    """Those from the beginning that fit into so many minutes, by the plan."""
    left = within
    fit = []
    for group in groups:
        left -= minutes_of(group, quick=quick)
        if left < 0:
            break
        fit.append(group)
    return fit


def minutes_of(group: Iterable[Step], *, quick: bool) -> float:
    """How long steps side by side take."""
    return max(step.planned(quick=quick) for step in group)


def timetable(groups: Sequence[Group], *, quick: bool) -> str:
    """When each is to begin, and for how long it is to run."""
    lines, begins = ["begins  minutes  what"], 0.0
    for group in groups:
        minutes = minutes_of(group, quick=quick)
        what = ", ".join(step.name for step in group)
        told = f"{what}, side by side" if len(group) > 1 else what
        lines.append(f"{f'+{int(begins) // 60}:{int(begins) % 60:02}':>6}  {minutes:7.1f}  {told}")
        begins += minutes
    return "\n".join([*lines, f"in all {begins:.0f} minutes"])
