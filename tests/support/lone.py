"""One node of its own, and the one sentence that a command ends with."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.agents import Cluster, Ended, Node, Settings, short_directory


@contextmanager
def lone(settings: Settings) -> Iterator[Node]:
    """One node of its own, whose agent is not started yet."""
    with short_directory() as directory:
        cluster = Cluster(directory, settings, "a")
        try:
            yield cluster.nodes["a"]
        finally:
            cluster.__exit__()


def only_sentence(ended: Ended) -> str:
    """The one line that a command ended with; warnings of an agent's log before it do not count."""
    lines = [line for line in ended.complaint.splitlines() if line.startswith("leader")]
    assert len(lines) == 1, ended.complaint
    assert "Traceback" not in ended.complaint
    return lines[0]
