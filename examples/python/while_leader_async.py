"""The same as `while_leader.py` on asyncio: the work is cancelled when the leadership is lost.

Run: python examples/python/while_leader_async.py [ELECTION]
"""

import asyncio
import sys

import leader

PIECE_S = 0.05


async def work(lead: "leader.AsyncLeading") -> None:
    """Work for ever; the end comes as a cancellation, wherever this waits."""
    piece = 0
    while True:
        await asyncio.sleep(PIECE_S)
        piece += 1
        print(f"{lead.node} does piece {piece} with term {lead.term}", flush=True)


async def main(election: str) -> None:
    """Wait to lead, work, and contend again when it was lost."""
    client = leader.AsyncClient()
    while True:
        try:
            async with client.run_while_leader(election) as lead:
                await work(lead)
        except leader.LeadershipLost as lost:
            print(f"stopped: {lost}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if sys.argv[1:] else "default"))
