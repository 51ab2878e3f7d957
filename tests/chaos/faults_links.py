"""What can befall the network between some nodes and some servers, in one direction or both."""

from collections.abc import Iterator

from tests.chaos.kinds import Aim, On, Play, Share, kind
from tests.faults.proxy import Fault

DELAYS_S = (0.005, 0.03, 0.1, 0.3)
"""Up to where a call is too late, and beyond."""

LASTING = {
    "cut off": Fault.SWALLOW_ALL,
    "requests lost": Fault.SWALLOW_REQUESTS,
    "replies lost": Fault.SWALLOW_REPLIES,
    "refused": Fault.REFUSE,
    "dribbled": Fault.DRIBBLE,
    "trickled": Fault.TRICKLE,
    "requests held": Fault.HOLD_REQUESTS,
    "replies held": Fault.HOLD_REPLIES,
}


def misbehaving(fault: Fault) -> Play:
    """The links do that meanwhile; what they hold goes on at the end, however late."""

    def play(aim: Aim) -> Iterator[None]:
        for node in aim.nodes:
            node.misbehave(fault, aim.numbers)
        yield
        for node in aim.nodes:
            node.misbehave(Fault.NONE, aim.numbers)

    return play


for name, fault in LASTING.items():
    kind(name, On.LINK)(misbehaving(fault))


kind("cut off from a majority", On.LINK, least_leases=1.5, share=Share.MAJORITY)(
    misbehaving(Fault.SWALLOW_ALL)
)


@kind("delayed", On.LINK)
def delayed(aim: Aim) -> Iterator[None]:
    """Each chunk waits, always as long."""
    delay_s = aim.random.choice(DELAYS_S)
    for node in aim.nodes:
        node.order(at=aim.numbers, delay_s=delay_s)
    yield
    for node in aim.nodes:
        node.order(at=aim.numbers, delay_s=0.0)


@kind("jitter", On.LINK)
def jitter(aim: Aim) -> Iterator[None]:
    """Each chunk waits as long as chance will have it."""
    most_s = aim.random.choice(DELAYS_S)
    for node in aim.nodes:
        node.order(at=aim.numbers, jitter_s=most_s)
    yield
    for node in aim.nodes:
        node.order(at=aim.numbers, jitter_s=0.0)


@kind("connections cut", On.LINK, longest_leases=0.3)
def connections_cut(aim: Aim) -> Iterator[None]:
    """Every connection ends; new ones are welcome."""
    for node in aim.nodes:
        node.order(at=aim.numbers, cut=True)
    yield


@kind("half open", On.LINK, longest_leases=0.3)
def half_open(aim: Aim) -> Iterator[None]:
    """Every connection carries nothing any more, and no end is told; new ones are welcome."""
    for node in aim.nodes:
        node.order(at=aim.numbers, lose=True)
    yield
