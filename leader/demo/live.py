"""The demo that goes on until it is stopped: chapters in turn on a thread, and the view of each moment."""

import itertools
import threading
from collections import deque
from types import TracebackType
from typing import Any, Self

from leader import clock
from leader.demo.chapters import STORY, Chapter
from leader.demo.node import Node
from leader.demo.play import Outcome, play_one
from leader.demo.stage import INSTANCES, LEASE_MS, UP, Stage, Stopped, elapsed_ms
from leader.demo.tally import RECENT_TICKS
from leader.tui.demo import InstanceLine, LiveView, NodeLine

PAUSE_MS = 3000
REMEMBERED_EVENTS = 20
OPENING, CYCLE = STORY[:2], STORY[2:]


class Events:
    """What was told last, with the time since the beginning."""

    def __init__(self) -> None:
        self._started = clock.now_ns()
        self._last: deque[str] = deque(maxlen=REMEMBERED_EVENTS)

    def tell(self, text: str) -> None:
        """Take note of one sentence."""
        self._last.append(f"{elapsed_ms(self._started) / 1000:6.1f} s  {text}")

    def last(self) -> list[str]:
        """The latest at the end."""
        return list(self._last)


class Director:
    """Plays the story's chapters again and again until the end; `failed` once one of them did."""

    def __init__(self, stage: Stage, events: Events) -> None:
        self.outcome = Outcome()
        self.chapter = ""
        self.error: BaseException | None = None
        self._stage = stage
        self._events = events
        self._thread = threading.Thread(target=self._direct, name="director")

    @property
    def goes_on(self) -> bool:
        """Whether there is more to come."""
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stage.end()
        self._thread.join()

    def wait(self, seconds: float) -> None:
        """Return after so long, or when nothing more is to come."""
        self._thread.join(seconds)

    def _direct(self) -> None:
        try:
            for chapter in itertools.chain(OPENING, itertools.cycle(CYCLE)):
                self._play(chapter)
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001  # carried to the main thread, which raises it
            self.error = error

    def _play(self, chapter: Chapter) -> None:
        self.chapter = chapter.title
        if not play_one(self._stage, chapter, self.outcome):
            self._stage.heal()
        self.chapter = f"{chapter.title}: done"
        if chapter not in OPENING and chapter.title != "a majority killed":
            self._stage.pass_time(PAUSE_MS)

    def view(self) -> LiveView:
        """This moment."""
        stage = self._stage
        statuses = {name: node.status() for name, node in stage.nodes.items()}
        tally = stage.crontab.tally()
        finished = stage.crontab.finished
        count = tally.count(range(finished))
        return LiveView(
            headline=_headline(statuses),
            lease_ms=LEASE_MS,
            nodes=[
                _node_line(node, statuses[node.name], tally.runs_of(node.name))
                for node in stage.nodes.values()
            ],
            instances=[_instance_line(name, stage.states[name], statuses) for name in INSTANCES],
            recent=[tally.nodes(tick) for tick in range(max(0, finished - RECENT_TICKS), finished)],
            summary=(
                f"         {count.ticks} ticks, {count.runs} runs, {count.doubles} run twice, "
                f"{count.idle} without a run"
            ),
            chapter=self.chapter,
            events=self._events.last(),
        )


Statuses = dict[str, dict[str, Any] | None]


def _headline(statuses: Statuses) -> str:
    servers = {
        instance["server"] for status in statuses.values() if status for instance in status["instances"]
    } - {""}
    kind = f" ({', '.join(sorted(servers))})" if servers else ""
    return f"leader demo: three agents, five servers{kind}, a lease of {LEASE_MS // 1000} s. Ctrl-C ends it."


def _node_line(node: Node, status: dict[str, Any] | None, runs: int) -> NodeLine:
    if status is None:
        return NodeLine(node.name, "", 0, 0, runs)
    election = status["elections"][0]
    return NodeLine(node.name, election["role"], election["term"], election["remaining_ms"], runs)


def _instance_line(name: str, state: str, statuses: Statuses) -> InstanceLine:
    """As the leader's agent sees it, else any other that answers."""
    answering = [status for status in statuses.values() if status]
    answering.sort(key=lambda status: status["elections"][0]["remaining_ms"], reverse=True)
    if not answering or state != UP:
        return InstanceLine(name, state, "")
    votes = answering[0]["elections"][0]["votes"]
    vote = next(vote for vote in votes if vote["instance"] == name)
    return InstanceLine(name, state, vote["holder"] if vote["state"] == "held" else vote["state"])
