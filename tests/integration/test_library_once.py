"""Programs whose blocks run once per tick, on real agents: what they are given, and what the ledger shows.

Each test holds for threads and for tasks, where they differ.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from leader.api.once import ClaimedTick
from tests.support.agents import PROJECT, Cluster, Node, term_of
from tests.support.blocks import BLOCKS, Block
from tests.support.polling import PATIENCE_S, always, until

pytestmark = pytest.mark.xdist_group("library-once")
RETURN_S = 8
"""Longer than an agent waits for the program of a run to come back."""


@pytest.fixture(params=BLOCKS)
def block(request: pytest.FixtureRequest) -> Block:
    """A block of each kind."""
    return BLOCKS[request.param]


@pytest.fixture
def job(request: pytest.FixtureRequest) -> str:
    """A job of this test's own."""
    return "".join(char for char in request.node.name if char.isalnum() or char in "._-")[-60:]


def ledger(node: Node, job: str) -> list[dict[str, Any]]:
    """The last ticks of a job as a node shows them."""
    return [run for entry in node.client(5).jobs(job) for run in entry["runs"]]  # type: ignore[attr-defined]


def states(node: Node, job: str) -> list[str]:
    """Their states."""
    return [run["state"] for run in ledger(node, job)]


def called_on(nodes: list[Node], block: Block, job: str) -> list[ClaimedTick | None]:
    """What the blocks on these nodes were given, all called now."""
    given: list[ClaimedTick | None] = []
    with ThreadPoolExecutor(len(nodes)) as pool:
        for ended in [pool.submit(block, node.socket, given.append, job) for node in nodes]:
            ended.result(PATIENCE_S)
    return given


def test_of_three_nodes_that_call_at_the_same_tick_one_runs(cluster: Cluster, block: Block, job: str) -> None:
    """The one that leads; all nodes show the same."""
    given = called_on(list(cluster.nodes.values()), block, job)
    leader = cluster.wait_for_leader()
    (tick,) = [tick for tick in given if tick is not None]
    assert len(given) == len(cluster.nodes)
    assert (tick.job, tick.election, tick.node, tick.term) == (job, "default", leader.name, term_of(leader))
    for node in cluster.nodes.values():
        (run,) = ledger(node, job)
        assert (run["state"], run["node"], run["term"], run["tick"]) == (
            "done",
            tick.node,
            tick.term,
            tick.at,
        )


def test_a_block_that_raises_has_failed(cluster: Cluster, block: Block, job: str) -> None:
    """Its exception goes on; the tick is not started again within the gap."""
    leader = cluster.wait_for_leader()
    with pytest.raises(ZeroDivisionError):
        block(leader.socket, lambda _tick: 1 / 0, job)
    (run,) = ledger(leader, job)
    assert (run["state"], run["code"]) == ("failed", 1)
    assert called_on([leader], block, job) == [None]


def test_a_block_can_ask_whether_its_leadership_stands(cluster: Cluster, job: str) -> None:
    """With the term of its tick."""
    leader = cluster.wait_for_leader()
    client = leader.client()
    with client.once(job) as tick:
        assert tick is not None
        assert client.check(tick.election, term=tick.term).term == tick.term


def test_an_agent_that_is_killed_and_started_again_interrupts_no_block(
    cluster: Cluster, block: Block, job: str
) -> None:
    """Its next process hears of the run in time, and of its end."""
    leader = cluster.wait_for_leader()
    with held(leader, block, job):
        leader.kill()
        leader.start()
        until(lambda: states(leader, job) == ["running"], "the new process shows it")
        always(lambda: states(leader, job) == ["running"], "it goes on", RETURN_S)
    assert states(leader, job) == ["done"]


@contextmanager
def held(node: Node, block: Block, job: str) -> Iterator[None]:
    """A block that has begun on a node, and goes on until it is let go."""
    begun, may_end = threading.Event(), threading.Event()

    def work(tick: ClaimedTick | None) -> None:
        assert tick is not None
        begun.set()
        may_end.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(block, node.socket, work, job)
        try:
            assert begun.wait(PATIENCE_S)
            yield
        finally:
            may_end.set()
        ended.result(PATIENCE_S)


def test_a_tick_in_a_leaderless_moment_is_run_by_the_next_leader(
    cluster: Cluster, block: Block, job: str
) -> None:
    """Called on those that are left, which wait; one of them runs it."""
    leader = cluster.wait_for_leader()
    leader.kill()
    given = called_on(cluster.others(leader), block, job)
    (tick,) = [tick for tick in given if tick is not None]
    assert tick.node != leader.name
    assert states(cluster.wait_for_leader(), job) == ["done"]


PROGRAM = """
import leader, sys, time
with leader.Client().once(sys.argv[1]) as tick:
    print("runs", flush=True)
    time.sleep(1000)
"""
ASYNC_PROGRAM = """
import asyncio, leader, sys
async def main():
    async with leader.AsyncClient().once(sys.argv[1]) as tick:
        print("runs", flush=True)
        await asyncio.sleep(1000)
asyncio.run(main())
"""
AS_NOBODY = """
import os, sys
from leader import Client, Refused
client = Client()
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    client.once(sys.argv[1]).__enter__()
except Refused as refused:
    print(refused)
"""


def started(node: Node, *words: str) -> "subprocess.Popen[str]":
    """A Python program that asks this node's agent."""
    path = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
    environment = node.places() | {"PYTHONPATH": path}
    return subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("code", [PROGRAM, ASYNC_PROGRAM], ids=BLOCKS)
def test_a_program_that_is_killed_is_shown_as_interrupted(cluster: Cluster, job: str, code: str) -> None:
    """Nobody can tell any more how its block would have ended."""
    leader = cluster.wait_for_leader()
    with started(leader, "-c", code, job) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "runs\n"
        until(lambda: states(leader, job) == ["running"], "it runs")
        program.kill()
    until(lambda: states(leader, job) == ["interrupted"], "it is written down")


def test_a_user_who_may_not_claim_is_told_what_to_do(cluster: Cluster, job: str) -> None:
    """Which group would let it; nothing is claimed."""
    leader = cluster.wait_for_leader()
    leader.directory.parent.chmod(0o755)
    with started(leader, "-c", AS_NOBODY, job) as program:
        told, _ = program.communicate(timeout=PATIENCE_S)
    assert "group" in told, told
    assert len(told.splitlines()) == 1
    assert not ledger(leader, job)


def test_the_example_works_on_one_node_per_tick(cluster: Cluster) -> None:
    """Started on every node; what it says it did is what the ledger shows.

    With so short a period there is no patience: who looks before the leader has claimed, says so.
    """
    example = str(PROJECT / "examples" / "python" / "once.py")
    leader = cluster.wait_for_leader()
    programs = [started(node, example, "2") for node in cluster.nodes.values()]
    try:
        until(lambda: states(leader, "example").count("done") >= 2, "two ticks are done")
    finally:
        for program in programs:
            program.kill()
    lines = [line for program in programs for line in program.communicate()[0].splitlines()]
    said = [line for line in lines if not line.startswith("not done here: ")]
    kept = ledger(leader, "example")
    done, begun = (
        {
            f"{run['node']} does {run['tick']} with term {run['term']}"
            for run in kept
            if run["state"] in states
        }
        for states in (("done",), ("done", "running", "interrupted"))
    )
    assert len(said) == len(set(said))
    assert done <= set(said) <= begun, (lines, kept)  # what was killed may have been claimed, and no more
