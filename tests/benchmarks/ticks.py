"""How often is a tick missed, and how often does it run twice? Three ways to write a crontab line, compared.

    python -m tests.benchmarks.ticks --ticks 120

Three nodes, whose clocks are up to 3 s apart, start the same lines at the same ticks, while something befalls
the leader's agent or one or two instances within a second of one of four ticks. Goals: `leader once` misses
no tick, and starts none twice.
"""

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.benchmarks.goals import exit_code, judge
from tests.e2e.installed import install
from tests.support.agents import Cluster, Settings, quorum_of, short_directory
from tests.support.rounds import Plan, Rounds, make_ticker
from tests.support.ticker import Tick, Ticker

LEASE = "2s"
INSTANCES = 3
GAP, WAIT = "18s", "4s"
COLUMNS = {"once": "`once`", "is-leader": "`is-leader &&`", "set-nx": "`SET NX PX`"}


def lines(job: Path, url: str) -> dict[str, str]:
    """The crontab lines, by their way of doing it; the job's own name belongs where `{job}` stands."""
    host, _, port = url.removeprefix("redis://").removesuffix("/0").partition(":")
    key = f"redis-cli -h {host} -p {port} SET cron:{{job}} $(hostname) NX PX 5000"
    return {
        "once": f"leader once {{job}} --gap {GAP} --wait {WAIT} -- {job} once {{job}}",
        "is-leader": f"leader is-leader && {job} is-leader {{job}}",
        "set-nx": f"{key} | grep -q OK && {job} set-nx {{job}}",
    }


@contextmanager
def played(plan: Plan, misfortunes: int, seed: int) -> Iterator[tuple[Rounds, Ticker, dict[str, str]]]:
    """A run of so many rounds, its ticker and the lines that it started."""
    with (
        short_directory() as directory,
        quorum_of(INSTANCES, transport="tcp", save=True) as quorum,
        Cluster(directory, Settings(quorum.urls, lease=LEASE), quorum=quorum) as cluster,
    ):
        ticker = make_ticker(directory, with_redis_cli(install(directory)), cluster)
        started = lines(ticker.job, quorum.urls[0])
        rounds = Rounds(cluster, quorum, ticker, plan, Random(seed))
        cluster.settle()
        names = list(rounds.misfortunes.all)
        rounds.play(started, [names[number % len(names)] for number in range(misfortunes)])
        yield rounds, ticker, started


def with_redis_cli(programs: Path) -> Path:
    """The folder, with `redis-cli` in it, wherever it is on this machine."""
    found = shutil.which("redis-cli", path=f"{os.environ.get('PATH', '')}:{Path(sys.executable).parent}")
    if found is None:
        raise SystemExit("redis-cli is missing, which one of the lines starts: install it")
    (programs / "redis-cli").symlink_to(found)
    return programs


def table(rounds: Rounds, starts: Counter[Tick]) -> str:
    """What each way did, by misfortune: how many ticks were missed, and how many ran more than once."""
    head = ["at the tick", "ticks", *(f"{name}: missed, twice" for name in COLUMNS.values())]
    names = dict.fromkeys(each.misfortune for each in rounds.rounds)
    rows = [[name, *counted(rounds, starts, {name})] for name in names]
    rows.append(["all", *counted(rounds, starts, set(names))])
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ruler, *rows])


def counted(rounds: Rounds, starts: Counter[Tick], misfortunes: set[str]) -> list[str]:
    """The number of ticks at which one of these happened, and what each way did at them."""
    figures = [
        str(sum(rounds.rounds[tick.number].misfortune in misfortunes for tick in rounds.ticks("once")))
    ]
    for way in COLUMNS:
        times = [
            starts[tick] for tick in rounds.ticks(way) if rounds.rounds[tick.number].misfortune in misfortunes
        ]
        figures.append(f"{times.count(0)}, {sum(each > 1 for each in times)}")
    return figures


def main() -> int:
    """Measure and print; 3 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skew", type=float, default=1.5, help="how many seconds two clocks are off")
    options = parser.parse_args()
    plan = Plan(skews={"a": 0.0, "b": -options.skew, "c": options.skew})
    count = -(-options.ticks // plan.jobs_per_round)
    with played(plan, count, options.seed) as (rounds, ticker, started):
        tell(rounds, ticker, started)
    return exit_code()


def tell(rounds: Rounds, ticker: Ticker, started: dict[str, str]) -> None:
    """Print the table, the lines, and all that is known of what went wrong with `once`, or is told so."""
    starts, ticks = ticker.starts(), rounds.ticks("once")
    print(table(rounds, starts))
    for way, line in started.items():
        print(f"{way}: {line}")
    wrong = [tick for tick in ticks if starts[tick] != 1]
    odd = [tick for tick in ticks if [run["state"] for run in rounds.ledger(tick)] != ["done"]]
    states = Counter(run["state"] for tick in ticks for run in rounds.ledger(tick))
    codes = Counter(ended.code for ended in ticker.ended if ended.tick.way == "once")
    print(f"lease {LEASE}; the latest deed was late by {rounds.agenda.latest_ns / 1e6:.0f} ms")
    print(f"once: the ledger says {dict(states)}; the exit codes were {dict(codes)}")
    for tick in dict.fromkeys([*wrong, *odd]):
        print(rounds.report(tick))
    doubled = sum(starts[tick] > 1 for tick in ticks)
    missed, of = len(wrong) - doubled, len(ticks)
    print(f"once: missed {missed}, {judge(f'`once`, missed of {of}', missed, 0, 'ticks')}")
    print(f"once: twice {doubled}, {judge(f'`once`, run twice of {of}', doubled, 0, 'ticks')}")


if __name__ == "__main__":
    sys.exit(main())
