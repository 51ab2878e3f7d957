"""A short run of the lab, which breaks no promise, and one with a bent protocol, which is found out."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.chaos.faults_memory import evict
from tests.chaos.kinds import KINDS, Harm
from tests.chaos.nemesis import Deck, kinds_for, planned
from tests.chaos.redis import Connection
from tests.support.agents import PROJECT, short_directory
from tests.support.polling import until

LASTS_S = 1200.0
"""Far longer than either run takes; what waits in the lab has bounds of its own."""


def chaos(*options: str, keeps_in: str = "/tmp") -> "subprocess.CompletedProcess[str]":  # noqa: S108 - the usual
    """One run of the lab, to its end; what it keeps of a bad one is there."""
    command = [sys.executable, "-m", "tests.chaos", *options]
    return subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": keeps_in},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.xdist_group("chaos")
@pytest.mark.needs("root", "unshare", "nsenter", "gcc")
@pytest.mark.timeout(LASTS_S)
def test_faults_break_no_promise(figures: Callable[[str], None]) -> None:
    """Half a minute of faults on five agents and real servers: never two leaders, no crash, no leak."""
    done = chaos("--minutes", "0.5", "--seed", "587")
    figures(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no promise was broken" in done.stdout


@pytest.mark.xdist_group("chaos")
@pytest.mark.needs("root", "unshare", "nsenter", "gcc")
@pytest.mark.timeout(LASTS_S)
def test_a_bent_protocol_is_found() -> None:
    """An agent that one server of many renews leads on beside the next leader, and the checker says so."""
    with short_directory() as directory:
        bent = ("--bent", "the newest vote makes the deadline", "--only", "cut off from a majority")
        done = chaos("--minutes", "2", "--seed", "133", *bent, keeps_in=str(directory))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN expiry" in done.stdout


def test_a_server_that_is_made_to_evict_refuses_none_of_the_writes() -> None:
    """Also when it had a replica before: were one write refused, the fault would end unhealed."""
    with short_directory() as directory, EmbeddedQuorum(directory, 1) as quorum:
        path = quorum.urls[0].removeprefix("unix://")
        with Connection(path) as server:
            with Connection(path) as replica:
                replica.send("SYNC")
                until(lambda: replicas(server) == 1, "it has a replica")
            until(lambda: replicas(server) == 0, "the replica is gone")
            evict(server)
            assert "evicted_keys:0" not in server.ask("INFO", "stats").split()


def replicas(server: Connection) -> int:
    """How many replicas are connected."""
    lines = server.ask("INFO", "replication").splitlines()
    return next(int(line.partition(":")[2]) for line in lines if line.startswith("connected_slaves:"))


def test_one_seed_makes_one_plan() -> None:
    """The same seed draws the same acts again, and another one draws others."""
    kinds = kinds_for(Harm.FORGETS, clocks=True)
    first, again, other = (planned(seed, Deck(kinds, seed), 5, 1000) for seed in ("1", "1", "2"))
    assert first == again
    assert first != other


def test_no_kind_of_fault_comes_again_before_all_have_come() -> None:
    """So a run of some minutes has them all."""
    kinds = kinds_for(Harm.LIES, clocks=True)
    deck = Deck(kinds, "1")
    drawn = [deck.draw() for _ in kinds]
    assert {kind.name for kind in drawn} == {kind.name for kind in kinds}
    assert {deck.draw().name for _ in kinds} == {kind.name for kind in kinds}


def test_every_kind_of_fault_is_played_in_one_half_of_a_run_or_the_other() -> None:
    """None is registered that no act would play; without a compiler only those are left out that need one."""
    with_clocks, without = (names_played(clocks=clocks) for clocks in (True, False))
    assert with_clocks == set(KINDS)
    assert {name for name, kind in KINDS.items() if kind.needs_clock} == with_clocks - without


def names_played(*, clocks: bool) -> set[str]:
    """The kinds of both halves."""
    return {kind.name for harm in (Harm.FORGETS, Harm.LIES) for kind in kinds_for(harm, clocks=clocks)}


def test_servers_never_forget_while_clocks_lie() -> None:
    """What could repeat a term for an agent that never saw it is not promised, so it is never played."""
    for harm, other in ((Harm.FORGETS, Harm.LIES), (Harm.LIES, Harm.FORGETS)):
        assert other not in {kind.harm for kind in kinds_for(harm, clocks=True)}
