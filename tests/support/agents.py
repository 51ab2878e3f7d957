"""Real agents on real servers: start them, end them, ask them who leads.

Each node has directories, a configuration and a log of its own. All processes are in one group that ends
with the tests.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from leader.durations import parse_duration_ms
from leader.instances.embedded import EmbeddedQuorum
from leader.instances.group import OwnedGroup
from tests.support.node import BEAT_S, CLUSTER, LEASE_MS, LEASE_S, PROJECT, SURE_S, Ended, Node, Settings
from tests.support.polling import until

__all__ = [
    "BEAT_S",
    "CLUSTER",
    "LEASE_MS",
    "LEASE_S",
    "PROJECT",
    "SURE_S",
    "Cluster",
    "Ended",
    "Node",
    "Settings",
    "quorum_of",
    "record_of",
    "short_directory",
    "term_of",
]


@contextmanager
def short_directory() -> Iterator[Path]:
    """A new directory whose path leaves room for sockets; it is removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="ldr-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class Cluster:
    """Some nodes that share one quorum."""

    def __init__(
        self, directory: Path, settings: Settings, names: str = "abc", quorum: EmbeddedQuorum | None = None
    ) -> None:
        """`quorum` are the servers behind the URLs, if the cluster is to know them."""
        self.directory = directory
        self.quorum = quorum
        self.settings = settings
        self.group = OwnedGroup()
        self.nodes = {name: Node(name, directory, settings, self.group) for name in names}

    def __enter__(self) -> Self:
        for node in self.nodes.values():
            node.start(wait=False)
        for node in self.nodes.values():
            until(node.answers, f"{node} answers")
        return self

    def __exit__(self, *_: object) -> None:
        self.group.close()
        for node in self.nodes.values():
            node.kill()

    def add(self, name: str, settings: Settings | None = None) -> Node:
        """One more node, whose agent is not started yet."""
        node = Node(name, self.directory, settings or self.settings, self.group)
        self.nodes[name] = node
        return node

    @contextmanager
    def added(self, name: str, settings: Settings | None = None) -> Iterator[Node]:
        """One more node for a while; its agent is not started yet."""
        node = self.add(name, settings)
        try:
            yield node
        finally:
            self.remove(node)

    def remove(self, node: Node) -> None:
        """End a node that was added, and forget it, with its files."""
        node.kill()
        del self.nodes[node.name]
        shutil.rmtree(node.directory)

    def leader(self, election: str = "default") -> Node | None:
        """The node whose agent says that it leads."""
        running = [node for node in self.nodes.values() if node.runs]
        return next((node for node in running if node.leads(election)), None)

    def wait_for_leader(self, election: str = "default", *, other_than: Node | None = None) -> Node:
        """The leader, as soon as there is one that is not that node."""

        def leader() -> Node | None:
            found = self.leader(election)
            return found if found is not other_than else None

        return until(leader, f"a node leads {election}, other than {other_than}")

    def others(self, node: Node) -> list[Node]:
        """All nodes but this."""
        return [other for other in self.nodes.values() if other is not node]

    @contextmanager
    def alone(self, node: Node) -> Iterator[None]:
        """Only this node's agent runs on meanwhile, so that nothing depends on how fast it is."""
        with ExitStack() as stack:
            for other in self.others(node):
                stack.enter_context(other.paused())
            yield

    def settle(self, instances: int = 3) -> Node:
        """The leader, once all nodes run, it holds that many instances, and all know it and it knows all."""
        for node in self.nodes.values():
            if not node.runs:
                node.start()

        def settled() -> Node | None:
            leader = self.leader()
            if leader is None or sum(self._is_renewed(vote, leader) for vote in leader.votes()) < instances:
                return None
            known = [node.leadership() for node in self.nodes.values()]
            if not all(answer and answer.holder == leader.name for answer in known):
                return None
            ready = {entry["name"] for entry in leader.status()["nodes"] if self._is_ready(entry)}
            return leader if ready >= self.nodes.keys() and self._all_listen() else None

        return until(settled, "one node leads with all instances, and all know each other")

    @property
    def _lease_ms(self) -> int:
        return parse_duration_ms(self.settings.lease)

    def _is_ready(self, entry: dict[str, Any]) -> bool:
        """Whether a node has registered since it was last restarted, as one that could lead."""
        return bool(entry["sees_majority"] and entry["seen_ms_ago"] < self._lease_ms * 3 / 4)

    def _is_renewed(self, vote: dict[str, Any], leader: Node) -> bool:
        """Whether an instance has lately written that this node holds the lease."""
        held = vote["state"] == "held" and vote["holder"] == leader.name
        return bool(held and vote["standing_ms"] < self._lease_ms / 2)

    def logs(self) -> str:
        """What each agent has logged, for the report of a test that failed."""
        return "\n".join(f"{node}:\n{node.log()}" for node in self.nodes.values())

    def _all_listen(self) -> bool:
        """Whether each node hears the notices of each instance."""
        channel = f"leader:{CLUSTER}:0"
        count = len(self.quorum.urls) if self.quorum else 0
        replies = [self.quorum.ask(i, "PUBSUB", "NUMSUB", channel) for i in range(count) if self.quorum]
        return all(reply.endswith(f":{len(self.nodes)}\r\n".encode()) for reply in replies)


def term_of(node: Node, election: str = "default") -> int:
    """The term of the leader that this node knows."""
    answer = node.leadership(election)
    assert answer is not None, f"{node} does not answer"
    return answer.term


def record_of(quorum: EmbeddedQuorum, index: int, election: str = "default") -> dict[str, str]:
    """What one server keeps about an election, field by field, as it is written there."""
    reply = quorum.ask(index, "HGETALL", f"leader:{CLUSTER}:election:{election}").decode().split("\r\n")
    words = reply[2::2]
    return dict(zip(words[::2], words[1::2], strict=False))


@contextmanager
def quorum_of(
    count: int = 3, *, transport: str = "unix", save: bool = False, options: Sequence[str] = ()
) -> Iterator[EmbeddedQuorum]:
    """Real servers, in a directory of their own."""
    with (
        short_directory() as directory,
        EmbeddedQuorum(
            directory, count, "tcp" if transport == "tcp" else "unix", save=save, options=options
        ) as quorum,
    ):
        yield quorum
