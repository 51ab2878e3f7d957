"""`leader once` in the crontabs of three nodes whose clocks differ, with a misfortune at each tick."""

from pathlib import Path
from random import Random

import pytest

from tests.support.agents import Cluster, Settings, quorum_of, short_directory
from tests.support.rounds import Plan, Rounds, make_ticker
from tests.support.ticker import Tick

pytestmark = [pytest.mark.xdist_group("ticks"), pytest.mark.timeout(240)]
PLAN = Plan(round_s=9.5, jobs_per_round=2, skews={"a": 0.0, "b": -0.4, "c": 0.4})
LINE = "leader once {{job}} --gap 16s --wait 6s -- {job} once {{job}}"


def test_each_tick_is_started_once_whatever_befalls_the_leader_or_the_instances(programs: Path) -> None:
    """None is started twice, and none is missed; what died within its claim is told as interrupted."""
    with (
        short_directory() as directory,
        quorum_of(3, save=True) as quorum,
        Cluster(directory, Settings(quorum.urls), quorum=quorum) as cluster,
    ):
        ticker = make_ticker(directory, programs, cluster)
        rounds = Rounds(cluster, quorum, ticker, PLAN, Random(1))
        cluster.settle()
        misfortunes = [name for name in rounds.misfortunes.all if name != "none"]
        rounds.play({"once": LINE.format(job=ticker.job)}, misfortunes)
        starts, ticks = ticker.starts(), rounds.ticks("once")
        wrong = [tick for tick in ticks if starts[tick] != (0 if was_interrupted(rounds, tick) else 1)]
        assert not wrong, "\n".join([*map(rounds.report, wrong), cluster.logs()])
        assert len(ticks) == PLAN.jobs_per_round * len(misfortunes)


def was_interrupted(rounds: Rounds, tick: Tick) -> bool:
    """Whether the ledger says that who claimed it died before its job began, or was heard of no more."""
    return "interrupted" in {run["state"] for run in rounds.ledger(tick)}
