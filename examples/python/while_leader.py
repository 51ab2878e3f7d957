"""Does its work piece by piece on whichever node leads: start it on every node.

Run: python examples/python/while_leader.py [ELECTION]

It finds the agent as `leader is-leader` does. Each line that it prints stands for a piece of work that only
the leader may do; `term` is what a database or a file would be given, to refuse what comes from an older one.
"""

import sys

import leader

PIECE_S = 0.05


def work(lead: "leader.Leading") -> None:
    """Work until the leadership is lost; `lost` ends the pause between two pieces at once."""
    piece = 0
    while not lead.lost.wait(PIECE_S):
        piece += 1
        print(f"{lead.node} does piece {piece} with term {lead.term}", flush=True)


def main(election: str) -> None:
    """Wait to lead, work, and contend again when it was lost."""
    client = leader.Client()
    while True:
        try:
            with client.run_while_leader(election) as lead:
                work(lead)
        except leader.LeadershipLost as lost:
            print(f"stopped: {lost}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else "default")
