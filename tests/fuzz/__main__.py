"""A million requests and a million replies: `python -m tests.fuzz --count 1000000 --jobs 2`."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from leader import clock
from tests.fuzz.runs import run_messages, run_replies, run_requests

CHUNK = 5000
MESSAGES_SHARE = 10
"""One in so many replies is a connection on which a server publishes: it takes ten times as long."""


def run_all(run: Callable[[int, int], Counter[str]], count: int, jobs: int) -> Counter[str]:
    """The account of so many seeds, from 0 on."""
    with ProcessPoolExecutor(jobs) as pool:
        starts = range(0, count, CHUNK)
        chunks = [pool.submit(run, first, min(CHUNK, count - first)) for first in starts]
        account: Counter[str] = Counter()
        for chunk in chunks:
            account += chunk.result()
        return account


def main() -> None:
    """Run all, and print how many inputs there were, what became of them, and how long it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    messages = chosen.count // MESSAGES_SHARE
    for name, run, count in (
        ("requests", run_requests, chosen.count),
        ("replies", run_replies, chosen.count - messages),
        ("replies that are published", run_messages, messages),
    ):
        began = clock.now_ns()
        account = run_all(run, count, chosen.jobs)
        seconds = (clock.now_ns() - began) / 1e9
        sys.stdout.write(f"{account.total()} {name} in {seconds:.0f} s: {dict(account.most_common())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
