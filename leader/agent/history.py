"""Who led when, and why each leadership ended: kept on every node, for people.

What this node led it knows. Of others it sees the records, and it is told the causes: each node registers how
the last leaderships that it had have ended. All times are this node's own wall clock, at the moment of
sight; how long something lasted is counted on the boot clock. No decision about an election reads any of it.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from leader import clock
from leader.agent.annals import Annals, Line
from leader.agent.ends import LARGEST_NUMBER, EndTold, as_many_as_are_read
from leader.protocol.events import NS_PER_MS, Cause, Instant
from leader.protocol.record import Holder
from leader.protocol.snapshot import IncidentView, LeadershipView

MOST_LEADERSHIPS = 1000
MOST_INCIDENTS = 200
SLACK = 100
"""So many lines more than twice what is kept may stand in the file."""
TOLD = 5
FRESH_MS = 120_000
"""The last ended leaderships of this node are told to the others, and all that ended lately: one that leads
many elections loses them at one moment."""

RELEASED = "it was released"
EXPIRED = "it was neither renewed nor released, and its node has not said why"
DOWN = "its agent was down, and did not come back in time"
UNSEEN = "nothing more was seen of it: this node's agent was down, stood still, or had no majority"

_OF_THIS_PROCESS = ("since", "renewed", "released")


@dataclass(slots=True)
class Kept:
    """One leadership: times on the wall clock, but for two that stand on the boot clock of this process.

    `since` is when it began, `renewed` when it was last seen to be renewed.
    """

    election: str
    term: int
    node: str
    began_ms: int
    ended_ms: int | None = None
    lasted_ms: int = 0
    cause: str = ""
    reason: str = ""
    since: Instant | None = None
    renewed: Instant | None = None
    released: bool = False
    """Whether one of its records was seen to be released."""
    unseen: bool = False
    """This node was blind when it ended, so nobody here knows when that was."""

    def line(self) -> Line:
        """What is written down of it."""
        return {"line": "leadership", **{name: getattr(self, name) for name in _WRITTEN}}


_WRITTEN = tuple(field.name for field in fields(Kept) if field.name not in _OF_THIS_PROCESS)


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident, as it is written down."""

    kind: str
    at_ms: int
    duration_ms: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Sight:
    """How well this node sees the records: when they were last seen to be renewed.

    `blind`: for longer than a lease, up to now or up to this very look, it saw too few of them.
    """

    renewed: Instant | None = None
    blind: bool = False


CLEAR = Sight()


class History:
    """The leaderships of all elections and the incidents of this node, the oldest first."""

    def __init__(self, annals: Annals, node: str) -> None:
        self._annals = annals
        self._node = node
        self._kept: dict[tuple[str, int], Kept] = {}
        self._open: dict[str, Kept] = {}
        """The last leadership of each election, while it lasts."""
        self._incidents: list[Incident] = []
        self._told: dict[tuple[str, int], EndTold] = {}
        self._load(annals.read())

    def _load(self, lines: list[Line]) -> None:
        for line in lines:
            try:
                self._take_line(line)
            except (KeyError, TypeError, ValueError):
                continue
        for kept in self._kept.values():
            if kept.ended_ms is None:
                self._open[kept.election] = kept
        self._forget_the_oldest()

    def _take_line(self, line: Line) -> None:
        """Raise a KeyError, TypeError or ValueError at one that somebody would stumble over later."""
        values = {key: value for key, value in line.items() if key not in ("line", *_OF_THIS_PROCESS)}
        if line["line"] == "leadership":
            kept = Kept(**values)  # type: ignore[arg-type]
            ended_ms = kept.began_ms if kept.ended_ms is None else kept.ended_ms
            numbers = (kept.term, kept.began_ms, ended_ms, kept.lasted_ms)
            _check((kept.election, kept.node, kept.cause, kept.reason), numbers)
            self._kept[kept.election, kept.term] = kept
        else:
            incident = Incident(**values)  # type: ignore[arg-type]
            _check((incident.kind, incident.sentence), (incident.at_ms, abs(incident.duration_ms)))
            self._incidents.append(incident)

    def _write(self, line: Line) -> None:
        """Have it written, and the file anew once most of it is outdated."""
        self._annals.add(line)
        if self._annals.length > 2 * (len(self._kept) + len(self._incidents)) + SLACK:
            self._annals.renew(self._lines)

    def _lines(self) -> list[Line]:
        return [*map(_incident_line, self._incidents), *(kept.line() for kept in self._all())]

    # What is taken in.

    def began(self, election: str, term: int, node: str, now: Instant, *, blind: bool = False) -> bool:
        """Note that a node leads; False if that is known. `blind`: nothing was seen until a moment ago."""
        known = self._open.get(election)
        if known is not None and known.term >= term:
            return False
        if known is not None:
            self._end_unseen(known, now, blind=blind)
        if (election, term) in self._kept:
            return False
        kept = Kept(election, term, node, clock.wall_ms(), since=now)
        self._kept[election, term] = self._open[election] = kept
        self._write(kept.line())
        self._forget_the_oldest()
        told = self._told.pop((election, term), None)
        if told is not None:
            self.told(node, told, now)
        return True

    def ended(self, end: EndTold, at: Instant) -> None:
        """Note when and why a leadership was over, or what is better known about the reason now."""
        kept = self._kept.get((end.election, end.term))
        if kept is None or (kept.cause, kept.reason) == (end.cause, end.reason):
            return
        if kept.ended_ms is None:
            kept.ended_ms = clock.wall_ms() - (clock.now_ns() - at) // NS_PER_MS
            lasted_ms = kept.ended_ms - kept.began_ms
            kept.lasted_ms = max(0, lasted_ms if kept.since is None else (at - kept.since) // NS_PER_MS)
            if self._open.get(kept.election) is kept:
                del self._open[kept.election]
        kept.cause, kept.reason = end.cause, end.reason
        self._write(kept.line())

    def seen(self, election: str, holder: Holder | None, now: Instant, sight: Sight = CLEAR) -> bool:
        """Take in which holder a majority of the instances names; True if another node is seen to lead."""
        known = self._open.get(election) or self._back(election, holder)
        if known is not None and holder is not None and known.term == holder.term:
            known.renewed = sight.renewed
            return False
        if holder is not None:
            is_new = self.began(election, holder.term, holder.node, now, blind=sight.blind)
            return is_new and holder.node != self._node
        if known is not None and known.node != self._node:
            self._end_unseen(known, now, blind=sight.blind)
        return False

    def _back(self, election: str, holder: Holder | None) -> Kept | None:
        """The last leadership, if it was lost sight of and is seen again: it has never ended."""
        last = self._kept.get((election, holder.term)) if holder else None
        if last is None or holder is None or last.node != holder.node or last.node == self._node:
            return None
        is_last = all(k.term <= last.term for k in self._kept.values() if k.election == election)
        if not is_last or last.cause not in (Cause.EXPIRED, Cause.UNSEEN):
            return None
        last.ended_ms, last.lasted_ms, last.cause, last.reason, last.unseen = None, 0, "", "", False
        self._open[election] = last
        self._write(last.line())
        return last

    def knows(self, election: str, term: int) -> bool:
        """Whether there is such a leadership."""
        return (election, term) in self._kept

    def saw_release(self, election: str, term: int) -> None:
        """Note that a record of that term was released."""
        known = self._open.get(election)
        if known is not None and known.term == term:
            known.released = True

    def told(self, node: str, end: EndTold, now: Instant) -> None:
        """Take in what another node says about the end of one of its own leaderships."""
        kept = self._kept.get((end.election, end.term))
        if kept is None:
            self._told[end.election, end.term] = end
            if len(self._told) > MOST_LEADERSHIPS:
                del self._told[next(iter(self._told))]
        elif kept.node == node:
            self.ended(end, now)

    def happened(self, kind: str, duration_ms: int, sentence: str) -> None:
        """Note an incident of this node."""
        incident = Incident(kind, clock.wall_ms(), duration_ms, sentence)
        self._incidents.append(incident)
        self._write(_incident_line(incident))
        self._forget_the_oldest()

    def _end_unseen(self, kept: Kept, now: Instant, *, blind: bool) -> None:
        """End one of which nothing more is seen; unless it was released, it was last renewed then."""
        cause, reason, at = Cause.EXPIRED, EXPIRED, max(kept.renewed or now, kept.since or 0)
        if kept.released:
            cause, reason, at = Cause.RELEASED, RELEASED, now
        elif kept.since is None and kept.node == self._node:
            reason, kept.unseen = DOWN, True
        elif blind:
            cause, reason, kept.unseen = Cause.UNSEEN, UNSEEN, True
        self.ended(EndTold(kept.election, kept.term, cause, reason), at)

    def _forget_the_oldest(self) -> None:
        for key in list(self._kept)[: max(0, len(self._kept) - MOST_LEADERSHIPS)]:
            del self._kept[key]
        del self._incidents[:-MOST_INCIDENTS]

    # What is told.

    def own_ends(self) -> tuple[EndTold, ...]:
        """How the last leaderships of this node have ended, for the others."""
        own = [kept for kept in self._all() if kept.node == self._node and kept.cause]
        fresh_ms = clock.wall_ms() - FRESH_MS
        worth = [kept for kept in own[:-TOLD] if (kept.ended_ms or 0) > fresh_ms] + own[-TOLD:]
        return as_many_as_are_read([EndTold(k.election, k.term, k.cause, k.reason) for k in worth])

    def leaderships(self, now: Instant) -> tuple[LeadershipView, ...]:
        """All leaderships, the newest first."""
        views = []
        next_began: dict[str, int] = {}
        for kept in reversed(self._all()):
            views.append(_view(kept, next_began.get(kept.election), now))
            next_began[kept.election] = kept.began_ms
        return tuple(views)

    def incidents(self) -> tuple[IncidentView, ...]:
        """All incidents, the newest first."""
        now_ms = clock.wall_ms()
        return tuple(
            IncidentView(
                kind=incident.kind,
                at=clock.utc_iso(incident.at_ms),
                ms_ago=max(0, now_ms - incident.at_ms),
                duration_ms=incident.duration_ms,
                sentence=incident.sentence,
            )
            for incident in reversed(self._incidents)
        )

    def _all(self) -> list[Kept]:
        return list(self._kept.values())


def _view(kept: Kept, next_began_ms: int | None, now: Instant) -> LeadershipView:
    lasted_ms = kept.lasted_ms
    if kept.ended_ms is None:
        lasted_ms = clock.wall_ms() - kept.began_ms if kept.since is None else (now - kept.since) // NS_PER_MS
    is_unseen = kept.ended_ms is None or next_began_ms is None or kept.unseen
    return LeadershipView(
        election=kept.election,
        term=kept.term,
        node=kept.node,
        began=clock.utc_iso(kept.began_ms),
        ended="" if kept.ended_ms is None else clock.utc_iso(kept.ended_ms),
        lasted_ms=max(0, lasted_ms),
        cause=kept.cause,
        reason=kept.reason,
        gap_ms=None if is_unseen else max(0, (next_began_ms or 0) - (kept.ended_ms or 0)),
    )


def _check(texts: Iterable[object], numbers: Iterable[object]) -> None:
    """Raise a ValueError if one of them is not what it should be."""
    are_texts = all(isinstance(text, str) for text in texts)
    if not are_texts or not all(isinstance(n, int) and 0 <= n <= LARGEST_NUMBER for n in numbers):
        raise ValueError("a damaged line")


def _incident_line(incident: Incident) -> Line:
    return {"line": "incident", **asdict(incident)}
