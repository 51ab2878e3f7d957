"""The asynchronous client steers an agent, and shows all, as the other one does."""

import asyncio
from pathlib import Path

import pytest

from leader.api.async_client import AsyncClient
from leader.api.client import Client
from leader.api.control import StepDown
from leader.errors import AgentUnreachable, Refused, UnknownElection, UsageError
from leader.protocol.snapshot import HistoryView, LeadershipView
from tests.unit.api.handmade import HandmadeControl, HandmadeSource, serving, thread


async def test_an_operators_program_steers_an_agent(tmp_path: Path) -> None:
    """Each order arrives with what was said, and its outcome comes back."""
    async with serving(tmp_path / "s") as source:
        client = AsyncClient(tmp_path / "s")
        done = await client.step_down("reports", to="web-9", drain=True, force=True, timeout=7)
        assert (done["successor"], done["term"]) == ("web-9", 4610)
        assert source.operator.orders == [
            StepDown("reports", to="web-9", drains=True, is_forced=True, timeout_ms=7000)
        ]
        assert (await client.pause("upgrade", 60_000))["reason"] == "upgrade"
        assert await client.resume()
        assert not await client.resume()
        await client.forget("web-9")
        assert source.operator.orders[1:] == [("upgrade", 60_000), "resume", "resume", "web-9"]


async def test_a_refusal_and_a_mistake_are_told_apart(tmp_path: Path) -> None:
    """With the agent's own sentence."""
    source = HandmadeSource(operator=HandmadeControl(refusal="web-1 does not lead"))
    async with serving(tmp_path / "s", source):
        client = AsyncClient(tmp_path / "s")
        with pytest.raises(Refused, match=r"^web-1 does not lead$"):
            await client.step_down()
        with pytest.raises(UnknownElection, match="nope"):
            await client.step_down("nope")
        with pytest.raises(UsageError, match="for_ms must be more than 0"):
            await client.pause(for_ms=0)
    with pytest.raises(AgentUnreachable):
        await client.resume()


def test_all_that_is_shown_is_the_same_for_both_however_long(tmp_path: Path) -> None:
    """A history of a thousand leaderships is longer than any answer about one election."""
    one = LeadershipView("default", 7, "web-1", "2026-01-31T12:00:00Z", "", 1, "frozen", "x" * 100, None)
    source = HandmadeSource(past=HistoryView((one,) * 1000, ()))
    with thread(tmp_path / "s", source):
        here, there = Client(tmp_path / "s", 5), AsyncClient(tmp_path / "s", 5)
        assert asyncio.run(there.history()) == here.history()
        assert asyncio.run(there.status()) == here.status()
