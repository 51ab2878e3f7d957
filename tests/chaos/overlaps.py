"""How often did two nodes lead at once, beside which faults? One account for each of those on trial.

An overlap is what the checker calls so: two nodes gave leases that are sure at one time, and the earlier one
was not released before. Each is counted once, at every kind of fault that ran when it began, or that had
ended within a lease before it; so the counts of the kinds add up to more than there were. It is counted as
`alone` where nothing but this kind, or this group of kinds, ran so: then no other fault can be to blame.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.checker import counts, unreleased_overlaps
from tests.chaos.history import NS_PER_MS, History
from tests.chaos.kinds import Harm, Kind, On

NONE = "none of these"
GROUPS = {
    On.AGENT: "agents killed, stopped, starved, without descriptors, disk or names, their clocks set",
    On.SERVER: "servers stopped, paused, busy, full, restarted in order",
    On.LINK: "the network cut, slow, lossy, half open, one-way, held up",
}
FORGETS = "servers restarted with no or old data, flushed, evicting, replaced by a replica"
LIES = "wall clocks of servers stepped and skewed"


def group_of(kind: Kind) -> str:
    """The sort of faults that this one is of."""
    return GROUPS[kind.on] if kind.harm is Harm.NONE else FORGETS if kind.harm is Harm.FORGETS else LIES


@dataclass(slots=True)
class Account:
    """What befell one of those on trial in all its runs, and how often two led."""

    name: str
    played: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault ran."""
    overlaps: list[frozenset[str]] = field(default_factory=list)
    """Of each, the kinds of faults that may be to blame."""

    def __str__(self) -> str:
        return f"{self.name}: {len(self.overlaps)} overlaps beside {self.played.total()} faults"

    def add(self, history: History) -> None:
        """Count one more run."""
        self.played += counts(history)
        self.overlaps += overlaps_in(history)


def overlaps_in(history: History) -> Iterator[frozenset[str]]:
    """Each time that two nodes led at once: the kinds of faults that ran then, or shortly before."""
    lease_ns = history.lease_ms * NS_PER_MS
    for low, high, at in unreleased_overlaps(history):
        if low.asked != high.asked:
            near = (spell.kind for spell in history.spells if spell.begin <= at <= spell.end + lease_ns)
            yield frozenset(near) or frozenset({NONE})


def table(accounts: Sequence[Account], kinds: Collection[Kind], *, each_kind: bool) -> Iterator[str]:
    """The account in Markdown: a row for each group of kinds; `each_kind`: and one for each of them."""
    heads = [f"{head}, {account.name}" for head in ("times", "overlaps", "alone") for account in accounts]
    yield f"| fault | {' | '.join(heads)} |"
    yield f"| --- |{' ---: |' * len(heads)}"
    for group in (*GROUPS.values(), FORGETS, LIES):
        names = sorted(kind.name for kind in kinds if group_of(kind) == group)
        yield row(group, accounts, names)
        yield from (row(f"- {name}", accounts, [name]) for name in names if each_kind)
    yield row(NONE, accounts, [NONE])


def row(title: str, accounts: Sequence[Account], names: Collection[str]) -> str:
    """One line of the table: these kinds together."""
    times = [sum(account.played[name] for name in names) for account in accounts]
    here = [[near for near in account.overlaps if near.intersection(names)] for account in accounts]
    alone = [sum(near.issubset(names) for near in overlaps) for overlaps in here]
    return f"| {' | '.join([title, *map(str, [*times, *map(len, here), *alone])])} |"
