"""The example of a singleton daemon: a queue has one consumer, on the node that leads, and never two."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.examples.running import started
from tests.support.agents import Cluster, Node, Settings, quorum_of, short_directory
from tests.support.examples import example
from tests.support.polling import until

pytestmark = [pytest.mark.xdist_group("examples-queue"), pytest.mark.needs("flock")]
CONSUMER = example("queue/consumer.sh")
OVERLAP = 99
HANDLER = """#!/bin/sh
echo "$LEADER_NODE $LEADER_TERM ${1##*/}" >>"$DIARY"
sleep 0.05
"""
ODD = """
case $1 in
*1) [ "$(grep -c 0001 "$DIARY")" -gt 1 ] || exec sleep 1000 ;;
*2) exit 3 ;;
esac
"""
"""The first file takes for ever at its first time, and the second one fails."""


@dataclass
class Queue:
    """A queue with a consumer on each node, and what the handlers wrote down."""

    directory: Path
    cluster: Cluster
    names: Iterator[int] = field(default_factory=count)

    @property
    def lock(self) -> Path:
        """Held as long as anything of a consumer lives: the kernel's word that there is only one."""
        return self.directory / "lock"

    def handled(self) -> list[list[str]]:
        """Of each call of the handler: node, term, file."""
        diary = self.directory / "diary"
        return [line.split() for line in diary.read_text().splitlines()] if diary.exists() else []

    def put(self) -> str:
        """One more file in the queue; its name."""
        name = f"{next(self.names):04}"
        (self.directory / name).touch()
        (self.directory / name).rename(self.directory / "queue/new" / name)
        return name

    def consumes(self, other_than: Node | None = None) -> None:
        """Wait until another node than that has handled a file that was put now."""
        name, before = self.put(), other_than.name if other_than else ""
        until(
            lambda: any(words[0] != before and words[2] == name for words in self.handled()),
            f"a node other than {other_than} handles {name}",
        )

    def is_consumed(self) -> bool:
        """Whether some consumer lives."""
        command = ["flock", "--nonblock", "--conflict-exit-code", str(OVERLAP), str(self.lock), "true"]
        return subprocess.run(command, check=False).returncode == OVERLAP


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes."""
    with quorum_of() as quorum, short_directory() as directory:
        with Cluster(directory, Settings(quorum.urls), "ab", quorum) as cluster:
            yield cluster


@pytest.fixture
def queue(cluster: Cluster, tmp_path: Path) -> Iterator[Queue]:
    """A queue for which each node runs `leader run --forever` of the example."""
    (tmp_path / "queue/new").mkdir(parents=True)
    (tmp_path / "handler").write_text(HANDLER)
    (tmp_path / "handler").chmod(0o755)
    queue, said = Queue(tmp_path, cluster), tmp_path / "said"
    witness = ["flock", "--nonblock", "--conflict-exit-code", str(OVERLAP), str(queue.lock)]
    consumer = [str(CONSUMER), str(tmp_path / "queue"), str(tmp_path / "handler")]
    command = ["leader", "run", "--forever", "--", *witness, *consumer]
    settings = {"DIARY": str(tmp_path / "diary"), "PAUSE": "0.05"}
    cluster.settle()
    with ExitStack() as stack:
        runs = [
            stack.enter_context(started(node, command, settings, said)) for node in cluster.nodes.values()
        ]
        yield queue
        assert [run.poll() for run in runs] == [None, None], said.read_text()


def test_one_consumer_follows_the_leader_and_there_are_never_two(queue: Queue) -> None:
    """Through a hand-over, and a kill -9 of the agent; each file is handled, in the order of terms.

    A second consumer that began while anything of the first lived would not get the lock, and end its `run`.
    """
    cluster = queue.cluster
    queue.consumes()
    first = cluster.settle()
    assert queue.is_consumed()

    files = [queue.put() for _ in range(20)]
    assert first.run("step-down").code == 0
    queue.consumes(other_than=first)

    second = cluster.settle()
    files += [queue.put() for _ in range(20)]
    second.kill()
    queue.consumes(other_than=second)

    until(lambda: len(list((queue.directory / "queue/handled").iterdir())) == 43, "all are handled")
    assert {words[2] for words in queue.handled()} >= set(files)
    terms = [int(words[1]) for words in queue.handled()]
    assert terms == sorted(terms)
    assert len(set(terms)) >= 3


def test_what_was_at_work_is_done_again_first_and_what_fails_is_put_aside(queue: Queue) -> None:
    """What the stopped consumer has left comes before what waits, and a file that fails holds up none."""
    handler = queue.directory / "handler"
    handler.write_text(f"{HANDLER}{ODD}")
    queue.consumes()
    stuck, fails, last = queue.put(), queue.put(), queue.put()
    until(lambda: [words[2] for words in queue.handled()] == ["0000", stuck], "it is at work")
    assert queue.cluster.settle().run("step-down").code == 0
    until((queue.directory / "queue/handled" / last).exists, "the last one is handled")
    assert [words[2] for words in queue.handled()] == ["0000", stuck, stuck, fails, last]
    assert [file.name for file in (queue.directory / "queue/failed").iterdir()] == [fails]
