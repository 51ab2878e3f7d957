"""What does top know now? The last status, aged, the latest events, and whether the agent answers.

Pure: time is passed in, in nanoseconds. Knows neither the terminal nor how the agent is asked.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from leader.protocol.events import NS_PER_MS
from leader.protocol.snapshot import AgentView, ElectionView, InstanceView, JobView, NodeView
from leader.tui.read import read_agent

KEPT_EVENTS = 500
Event = Mapping[str, Any]


@dataclass
class State:
    """The last of what was heard; `view` is None until the agent has answered once."""

    view: AgentView | None = None
    heard_ns: int = 0
    answers: bool = False
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))

    def hear(self, document: Mapping[str, Any], now: int) -> None:
        """Take a status.

        Raises:
            ValueError: it is that of another version.
        """
        self.view, self.heard_ns, self.answers = read_agent(document), now, True

    def note(self, event: Event) -> None:
        """Take one change; the newest stands first."""
        self.events.appendleft(event)

    def aged(self, now: int) -> AgentView | None:
        """The status with all durations counted on to this moment."""
        passed_ms = max(0, (now - self.heard_ns) // NS_PER_MS)
        return None if self.view is None else _aged(self.view, passed_ms)


def _aged(view: AgentView, ms: int) -> AgentView:
    return replace(
        view,
        elections=tuple(_election(election, ms) for election in view.elections),
        instances=tuple(_instance(instance, ms) for instance in view.instances),
        nodes=tuple(_node(node, ms) for node in view.nodes),
        jobs=tuple(_job(job, ms) for job in view.jobs),
    )


def _election(election: ElectionView, ms: int) -> ElectionView:
    takeover = election.takeover_in_ms
    return replace(
        election,
        since_ms=election.since_ms + ms,
        remaining_ms=max(0, election.remaining_ms - ms),
        takeover_in_ms=None if takeover is None else max(0, takeover - ms),
        votes=tuple(replace(vote, standing_ms=vote.standing_ms + ms) for vote in election.votes),
    )


def _instance(instance: InstanceView, ms: int) -> InstanceView:
    answered = instance.answered_ms_ago
    return instance if answered is None else replace(instance, answered_ms_ago=answered + ms)


def _node(node: NodeView, ms: int) -> NodeView:
    return replace(node, seen_ms_ago=node.seen_ms_ago + ms)


def _job(job: JobView, ms: int) -> JobView:
    return replace(job, runs=tuple(replace(run, ms_ago=run.ms_ago + ms) for run in job.runs))
