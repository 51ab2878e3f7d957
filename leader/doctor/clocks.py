"""Do the wall clocks of the instances and of this machine agree, and do they stand still against each other?

Rules over the samples that were taken; no lease hangs on these clocks.
"""

from collections.abc import Iterator, Sequence
from statistics import median

from leader.doctor.finding import Finding, Severity
from leader.instances.examination import Examined

MOST_SKEW_MS = 1_000
JUMP_MS = 250


def examine(examined: Sequence[Examined]) -> Iterator[Finding]:
    """Wall clocks that differ or jumped; if ours differs from most, it is ours that is wrong."""
    skews = {one.name: one.clocks[-1].ahead_ms for one in examined if one.clocks}
    typical = int(median(skews.values())) if skews else 0
    if abs(typical) > MOST_SKEW_MS:
        yield _skewed("host-clock", "this machine", -typical, "most instances")
    for one in examined:
        if not one.clocks:
            continue
        away, slack = skews[one.name] - typical, one.clocks[-1].give_or_take_ms
        if abs(away) - slack > MOST_SKEW_MS:
            yield _skewed("instance-clock", f"instance {one.name}", away, "the others")
        first, last = one.clocks[0], one.clocks[-1]
        jump = last.ahead_ms - first.ahead_ms
        if abs(jump) > JUMP_MS + first.give_or_take_ms + last.give_or_take_ms:
            yield Finding(
                Severity.WARNING,
                "instance-clock-jump",
                f"the wall clock of instance {one.name}, or this machine's, jumped by {jump} ms meanwhile",
                "leases are safe; ages in the registry and the times of ticks are wrong for a while",
                "let the clocks be slewed, not set: run chrony or systemd-timesyncd, and nothing beside it",
            )


def _skewed(code: str, whose: str, ahead_ms: int, than: str) -> Finding:
    way = "ahead of" if ahead_ms > 0 else "behind"
    return Finding(
        Severity.WARNING,
        code,
        f"the wall clock of {whose} is {abs(ahead_ms) / 1000:.1f} s {way} that of {than}",
        "leases are safe, they use no wall clock; but ticks and what the registry and history show are off",
        f"synchronise it: on {whose}, install and start chrony or systemd-timesyncd",
    )
