"""Does its work at every full PERIOD of seconds, on one of the nodes: start it on every node.

Run: python examples/python/once.py [PERIOD]

It is what a crontab with `leader once` is, for a program that keeps its own time. The clocks of the nodes may
differ by three quarters of the period; `term` is what a database or a file would be given, to refuse what
comes from an older leadership.
"""

import sys
import time

import leader


def work(tick: "leader.ClaimedTick") -> None:
    """Do what is to be done once."""
    print(f"{tick.node} does {tick.at} with term {tick.term}", flush=True)


def main(period_s: float) -> None:
    """Wait for the next tick, and work if it is this node's."""
    client = leader.Client()
    while True:
        time.sleep(period_s - time.time() % period_s)  # noqa: TID251 - ticks are of the wall clock
        try:
            with client.once("example", gap=period_s * 3 / 4) as tick:
                if tick is not None:
                    work(tick)
        except (leader.Undecided, leader.AgentUnreachable) as error:
            print(f"not done here: {error}", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 60.0)
