"""Which holders a restarted agent may resume: the file of rule R5, as values.

The file stands in the runtime directory, names the place it was written at, and is worth nothing
anywhere else: a copy on another machine, in another directory or after a reboot is not read.
"""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache

from leader.protocol.calls import Configuration
from leader.protocol.record import Holder


@dataclass(frozen=True, slots=True)
class Place:
    """Where and under which configuration holders were written down.

    `directory` is the device and inode of the runtime directory, so that a copy of it is another place.
    """

    boot: str
    machine: str
    directory: str
    cluster: str
    node: str
    configuration: Configuration


def write(place: Place, holders: dict[str, tuple[Holder, ...]]) -> str:
    """Return the file's text: the holders of each election, and the place."""
    return json.dumps(
        {
            "place": _values(place),
            "holders": {
                election: [str(holder) for holder in ours] for election, ours in holders.items() if ours
            },
        }
    )


@lru_cache(maxsize=1)
def _values(place: Place) -> dict[str, object]:
    """What the file says of the place, which stays the same: it is written while nobody leads."""
    return asdict(place)


def resumable(text: str, here: Place) -> dict[str, tuple[Holder, ...]]:
    """Return the holders that this agent may resume, by election; none if the file is from elsewhere.

    Only holders of the newest term of an election count: each is one incarnation of one leadership. Where
    the boot is not known, nothing is resumed: the file may be from before it.
    """
    if not here.boot:
        return {}
    try:
        saved = json.loads(text)
        if saved["place"] != asdict(here):
            return {}
        parsed = {
            str(election): tuple(Holder.parse(item) for item in items)
            for election, items in saved["holders"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {election: _newest(holders, here.node) for election, holders in parsed.items() if holders}


def _newest(holders: tuple[Holder, ...], node: str) -> tuple[Holder, ...]:
    term = max(holder.term for holder in holders)
    return tuple(holder for holder in holders if holder.term == term and holder.node == node)
