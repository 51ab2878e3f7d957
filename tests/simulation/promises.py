"""The checkers: they watch what agents answer at true moments, and say which promise was broken.

They know the effects, the calls and the answers of the agents, but nothing of what an elector keeps inside.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from leader.protocol.calls import Call, Release, Renew, Resume, Take, Verdict
from leader.protocol.elector import Elector
from leader.protocol.events import (
    Candidate,
    Cause,
    ClaimFailed,
    ContentionChanged,
    Event,
    Gained,
    Instant,
    Lost,
    Replied,
    StepDownAsked,
)
from leader.protocol.quorum import Voters
from leader.protocol.record import Holder
from tests.simulation.clock import BootClock
from tests.simulation.preferences import Preferences
from tests.simulation.server import ABSURD_TERM
from tests.simulation.timeline import LEASE_NS, Timeline


class BrokenPromise(Exception):
    """What the protocol promises did not hold."""

    def __init__(self, promise: str, what: str) -> None:
        super().__init__(f"{promise}: {what}")
        self.promise = promise


class Disk(Protocol):
    """What the checkers see of a node's disk."""

    terms: dict[str, int]


class Agent(Protocol):
    """What the checkers see of an agent."""

    place: str
    voters: Voters
    clock: BootClock
    lease_ns: int
    electors: dict[str, Elector]
    frozen: bool

    @property
    def disk(self) -> Disk:
        """What it writes to."""

    @property
    def now(self) -> Instant:
        """What its host's clock shows."""


class Server(Protocol):
    """What the checkers see of a server."""

    losses: int
    runs_lost: int


@dataclass(slots=True)
class Seat:
    """One agent's part in one election, as it shows outside."""

    holder: Holder | None = None
    """The leadership that was gained last."""
    until: int = 0
    """The true moment at which it stops answering yes, as far as it said."""
    sure_until: int = 0
    """The same, also after it stepped back before that."""
    over: bool = True
    """Whether it said so itself: `Lost`."""
    dismissed: bool = False
    """Whether it was asked to go."""
    votes: dict[Holder, dict[str, tuple[str, Instant, Verdict]]] = field(default_factory=dict)
    clocks: dict[str, int] = field(default_factory=dict)
    chosen: dict[int, list[int]] = field(default_factory=dict)
    """By term, what the instances' clocks showed when it was chosen."""
    seen_term: int = 0


@dataclass(frozen=True, slots=True)
class Reign:
    """The leadership with the highest term so far, and what its voters had lost by then."""

    holder: Holder
    losses: dict[str, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """The newest claim that left a place for an election, and the highest term claimed or seen before."""

    moment: int
    term: int
    highest_before: int


class Promises:
    """All checkers of one world."""

    def __init__(
        self, time: Timeline, servers: Mapping[str, Server], *, checks_deadline: bool = True
    ) -> None:
        self.time = time
        self.servers = servers
        self.checks_deadline = checks_deadline
        """Whether also rule R3's own sum is checked, not only what it is there for."""
        self.clocks_honest = False
        """Whether at most one instance's wall clock was ever ahead, and none behind."""
        self.calm = False
        """Whether no fault is left that excuses a lost leadership."""
        self.addresses_change = False
        """Whether one server may come to answer under two names, which may cost a vote at once."""
        self.gains: Counter[str] = Counter()
        """How often somebody began to lead, by election."""
        self.preferences = Preferences()
        self.questions = 0
        self.answered_yes = 0
        self._seats: dict[tuple[Agent, str], Seat] = {}
        self._active: dict[str, dict[Agent, Seat]] = {}
        self._reigns: dict[str, Reign] = {}
        self._released: set[tuple[str, str, int]] = set()
        self._excused: set[tuple[str, str, int]] = set()
        """Leaderships by place and term that repeat a term, as cannot be prevented; they may be resumed."""
        self._claims: dict[tuple[str, str], Claim] = {}
        self._jobs: set[tuple[Agent, str, int]] = set()
        """Leaderships whose jobs are being ended."""

    def leader(self, election: str) -> Agent | None:
        """Who answers yes at this moment."""
        for agent, seat in self._active.get(election, {}).items():
            if seat.until > self.time.now and agent.electors[election].leads(agent.now):
                return agent
        return None

    def _break(self, promise: str, what: str) -> None:
        self.time.tell(f"BROKEN {promise}: {what}")
        raise BrokenPromise(promise, what)

    # What the agents do.

    def _seat(self, agent: Agent, election: str) -> Seat:
        seat = self._seats.get((agent, election))
        if seat is None:
            seat = self._seats[agent, election] = Seat()
        return seat

    def told(self, agent: Agent, event: Event) -> None:
        """Note that an operator asks this agent to go."""
        if isinstance(event, StepDownAsked) or (isinstance(event, ContentionChanged) and not event.allowed):
            for election in agent.electors:
                self._seat(agent, election).dismissed = True

    def heard(self, agent: Agent, election: str, asked: tuple[Call, Instant], reply: Replied) -> None:
        """Note a vote that this agent is about to take in, and what it learns of clocks and terms."""
        seat = self._seat(agent, election)
        seat.clocks[reply.instance] = reply.wall_ms
        if reply.answer.record.term < ABSURD_TERM:
            seat.seen_term = max(seat.seen_term, reply.answer.record.term)
        call, at = asked
        if reply.answer.verdict is Verdict.GRANTED and isinstance(call.operation, Take | Renew | Resume):
            holder = call.operation.holder
            if isinstance(call.operation, Resume):
                holder = Holder(holder.node, call.operation.incarnation, holder.term)
            votes = seat.votes.setdefault(holder, {})
            if reply.instance not in votes or votes[reply.instance][1] < at:
                votes[reply.instance] = (reply.process, at, reply.answer.verdict)

    def sent(self, agent: Agent, call: Call) -> None:
        """Note a claim that leaves, or a release: from now on its holder must be over for ever."""
        match call.operation:
            case Take(holder=holder, sitting=False):
                before = self._claims.get((agent.place, call.election), Claim(0, 0, 0))
                if before.moment != self.time.now:
                    seen = self._seat(agent, call.election).seen_term
                    seen = max(seen, before.term, before.highest_before)
                    self._claims[agent.place, call.election] = Claim(self.time.now, holder.term, seen)
            case Release(holder=holder):
                self._released.add((call.election, agent.place, holder.term))
                seat = self._seat(agent, call.election)
                if seat.holder != holder:
                    return
                if not seat.over:
                    self._break("stop first", f"{agent.place} released {holder} while it leads")
                if (agent, call.election, holder.term) in self._jobs and seat.sure_until > self.time.now:
                    self._break("stop first", f"{agent.place} released {holder} while its jobs run")

    def chose(self, agent: Agent, election: str, term: int) -> None:
        """Note the clocks by which this agent chose a term, before it is saved and claimed."""
        seat = self._seat(agent, election)
        seat.chosen[term] = sorted(seat.clocks.values())

    def jobs(self, agent: Agent, election: str, term: int, *, end: bool) -> None:
        """Note that the jobs of a leadership are to be ended, or have ended."""
        if end:
            self._jobs.discard((agent, election, term))
        else:
            self._jobs.add((agent, election, term))

    def effect(self, agent: Agent, election: str, effect: Gained | Lost | ClaimFailed) -> None:
        """Judge a leadership that begins or ends."""
        seat = self._seat(agent, election)
        if isinstance(effect, Gained):
            self._gained(agent, election, seat, effect)
        elif isinstance(effect, Lost):
            if effect.cause is Cause.PREEMPTED:
                seat.dismissed = True
                self._made_room(agent, election, effect)
            self._lost(agent, seat)

    def shown(self, agent: Agent, election: str, candidates: tuple[Candidate, ...]) -> None:
        """Note what the registry shows an agent that makes room for others."""
        identity = agent.electors[election].identity
        if identity.preempt:
            own = identity.priority, agent.lease_ns
            self.preferences.shown(agent, election, candidates, own, agent.now)

    def _made_room(self, agent: Agent, election: str, lost: Lost) -> None:
        successor, delay_ms = lost.reason.split()[0], agent.electors[election].identity.preempt_delay_ms
        wrong = self.preferences.made_room(agent, election, successor, delay_ms, agent.now)
        self.time.count("a leader made room")
        if self.preferences.in_vain:
            self.time.counts["a leader made room once more, after it had been in vain"] = (
                self.preferences.in_vain
            )
        if wrong:
            self._break("preference", f"{agent.place} made room for {successor}: {wrong}")

    def _gained(self, agent: Agent, election: str, seat: Seat, gained: Gained) -> None:
        holder, reign = gained.holder, self._reigns.get(election)
        self.gains[election] += 1
        self.preferences.gained(agent, election, agent.now)
        if (election, agent.place, holder.term) in self._released:
            self._break("terms grow", f"{agent.place} leads with {holder}, which was released before")
        if gained.resumed:
            is_excused = (election, agent.place, holder.term) in self._excused
            if reign is not None and reign.holder.term > holder.term and not is_excused:
                self._break("terms grow", f"{agent.place} resumes {holder} after {reign.holder}")
        elif reign is not None and holder.term <= reign.holder.term:
            self._excuse(agent, election, seat, reign, holder)
        if reign is None or holder.term >= reign.holder.term:
            losses = {name: self.servers[name].losses for name in self._voters(seat, holder)}
            self._reigns[election] = Reign(holder, losses)
        seat.holder, seat.over, seat.dismissed = holder, False, False
        seat.until = 0

    @staticmethod
    def _voters(seat: Seat, holder: Holder) -> set[str]:
        """The servers that voted, by whatever name: a process begins with its server's name."""
        return {process[0] for process, _, _ in seat.votes.get(holder, {}).values()}

    def _excuse(self, agent: Agent, election: str, seat: Seat, reign: Reign, holder: Holder) -> None:
        """Let a repeated term pass only where the protocol says that it cannot promise more.

        Every voter that both leaderships share has lost its data meanwhile, this agent never saw the
        term, and the clocks that it saw stand behind it.
        """
        what = f"{agent.place} leads with {holder} after {reign.holder}"
        shared = self._voters(seat, holder) & reign.losses.keys()
        forgot = all(self.servers[name].losses > reign.losses[name] for name in shared)
        seen = self._claims[agent.place, election].highest_before
        known = max(seat.seen_term, agent.disk.terms.get(election, 0))
        if known > holder.term:
            seen = known
        clocks = seat.chosen.get(holder.term) or sorted(seat.clocks.values())
        behind = clocks[(len(clocks) - 1) // 2] <= reign.holder.term
        if self.clocks_honest or not forgot or seen >= reign.holder.term or not behind:
            self._break("terms grow", what)
        self._excused.add((election, agent.place, holder.term))
        self.time.count("a repeated term that cannot be prevented")

    def _lost(self, agent: Agent, seat: Seat) -> None:
        if self.calm and not seat.dismissed:
            self._break("steady", f"{agent.place} lost the lease although nothing was wrong")
        seat.over = True

    def agent_died(self, agent: Agent) -> None:
        """Forget an agent: it answers nobody any more."""
        for election in agent.electors:
            self._active.get(election, {}).pop(agent, None)
            self._seats.pop((agent, election), None)

    # What the agents answer.

    def question(self, agent: Agent) -> None:
        """Ask this agent about each of its elections."""
        for election in agent.electors:
            self.look(agent, election)

    def sample(self, agents: Iterable[Agent], elections: tuple[str, ...]) -> None:
        """Ask all agents, and keep account of how often somebody leads."""
        for election in elections:
            for agent in agents:
                if election in agent.electors and not agent.frozen:
                    self.look(agent, election)
            self.questions += 1
            self.answered_yes += self.leader(election) is not None

    def look(self, agent: Agent, election: str) -> None:
        """Hear what an agent answers now, and whether another one says the same."""
        elector, now = agent.electors[election], agent.now
        active = self._active.setdefault(election, {})
        if not elector.leads(now):
            seat = active.pop(agent, None)
            if seat is not None:
                self._stepped_back(agent, seat)
            return
        seat = self._seat(agent, election)
        remaining = elector.remaining_ns(now)
        if remaining <= 0:
            self._break("deadline", f"{agent.place} answers yes with nothing left of its lease")
        if seat.over:
            self._break("stop first", f"{agent.place} answers yes after it lost {seat.holder}")
        if seat.until and seat.until <= self.time.now:
            self._break("deadline", f"{agent.place} answers yes after its deadline")
        if self.checks_deadline and now + remaining > self._sure_until(agent, seat):
            self._break("deadline", f"{agent.place} is sure of more than its votes allow")
        seat.until = seat.sure_until = agent.clock.when(now + remaining)
        active[agent] = seat
        if len(active) > 1:
            self._compare(agent, election, active)

    def _stepped_back(self, agent: Agent, seat: Seat) -> None:
        """Judge an agent that answered yes before and now answers no."""
        if seat.until > self.time.now and not seat.dismissed and not self.addresses_change:
            left = (seat.until - self.time.now) / LEASE_NS
            self._break(
                "steady", f"{agent.place} gave up a lease that it had said was sure for {left:.3f} more"
            )
        seat.until = min(seat.until, self.time.now)

    def _compare(self, agent: Agent, election: str, active: dict[Agent, Seat]) -> None:
        for other in list(active):
            if other is agent:
                continue
            if other.electors[election].leads(other.now):
                self._break("one leader", f"{agent.place} and {other.place} both lead {election}")
            del active[other]

    def _sure_until(self, agent: Agent, seat: Seat) -> Instant:
        """Rule R3 once more: the send time of the Q-th newest vote, one per process, and 0.9 lease.

        While the quorum changes, the list counts that is sure for the shorter time.
        """
        votes = seat.votes.get(seat.holder, {}) if seat.holder else {}
        return min(self._sure_by(votes, names, agent.lease_ns) for names in agent.voters.lists)

    @staticmethod
    def _sure_by(
        votes: dict[str, tuple[str, Instant, Verdict]], names: tuple[str, ...], lease_ns: int
    ) -> Instant:
        newest: dict[str, Instant] = {}
        for name in names:
            if name in votes:
                process, at, _ = votes[name]
                newest[process] = max(at, newest.get(process, at))
        sent, needed = sorted(newest.values(), reverse=True), len(names) // 2 + 1
        return sent[needed - 1] + lease_ns * 9 // 10 if len(sent) >= needed else 0
