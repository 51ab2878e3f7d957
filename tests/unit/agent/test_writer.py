"""Terms are saved off the event loop: those that a claim waits for at once, those that were seen soon."""

import asyncio
from pathlib import Path

from leader.agent.store import TermStore
from leader.agent.writer import SEEN_WAITS_S, TermWriter
from leader.errors import TermNotSaved

Said = tuple[str, int, TermNotSaved | None]


async def test_a_term_that_a_claim_waits_for_overtakes_one_that_was_seen(tmp_path: Path) -> None:
    """The claim's is answered first, and both are durable in the end."""
    said: asyncio.Queue[Said] = asyncio.Queue()
    writer = TermWriter(TermStore(tmp_path, "c"), lambda *what: said.put_nowait(what))
    writer.start()
    writer.save("seen", 7, at_once=False)
    writer.save("claimed", 8, at_once=True)
    assert await said.get() == ("claimed", 8, None)
    assert TermStore(tmp_path, "c").highest("seen") == 0
    assert await said.get() == ("seen", 7, None)
    assert TermStore(tmp_path, "c").highest("seen") == 7
    writer.close()


async def test_of_terms_that_were_seen_in_one_moment_only_the_highest_is_written(tmp_path: Path) -> None:
    """They wait together, and one write is enough."""
    said: asyncio.Queue[Said] = asyncio.Queue()
    writer = TermWriter(TermStore(tmp_path, "c"), lambda *what: said.put_nowait(what))
    writer.start()
    for term in (5, 6, 7):
        writer.save("e", term, at_once=False)
    assert await said.get() == ("e", 7, None)
    await asyncio.sleep(2 * SEEN_WAITS_S)
    assert said.empty()
    writer.close()


async def test_an_agent_that_stops_writes_at_once_what_it_has_seen(tmp_path: Path) -> None:
    """Nothing that was seen is forgotten because the agent ended a moment later."""
    said: asyncio.Queue[Said] = asyncio.Queue()
    writer = TermWriter(TermStore(tmp_path, "c"), lambda *what: said.put_nowait(what))
    writer.start()
    writer.save("e", 7, at_once=False)
    writer.close()
    async with asyncio.timeout(SEEN_WAITS_S / 2):
        assert await said.get() == ("e", 7, None)
