"""What `once` tells the agent when its command has ended."""

import asyncio
from pathlib import Path

from leader.claims import Call, Run, tell_end
from tests.support.polling import eventually
from tests.unit.api.handmade import HandmadeSource, serving


async def test_an_end_that_no_majority_has_yet_is_told_again(tmp_path: Path) -> None:
    """An agent that is stopped may take what it could not write with it; the next one hears it, too."""
    source = HandmadeSource(writes=False)
    path = tmp_path / "s"
    async with serving(path, source):
        call = Call(str(path), "report", "default")
        telling = asyncio.create_task(asyncio.to_thread(tell_end, Run(call, 7), "done", 0))
        await eventually(lambda: bool(source.ended))
        source.writes = True
        await telling
    first, second = source.ended
    assert (first.nonce, second.nonce, second.state) == (call.nonce, call.nonce, "done")
