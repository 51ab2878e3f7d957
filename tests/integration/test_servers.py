"""The servers that the tests run on are those that the table of them says."""

from collections.abc import Callable

import pytest

from leader.protocol.calls import Observe, Verdict
from tests.integration.instances_on_servers import PROGRAMS, hand_on, servers
from tests.support import servers as table


@pytest.mark.parametrize("program", PROGRAMS)
async def test_each_server_is_of_the_version_that_its_name_says(
    program: str, figures: Callable[[str], None]
) -> None:
    """So no version is left out because another one was found in its place."""
    with servers(program) as quorum:
        async with hand_on(quorum.urls[0]) as hand:
            assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED
            figures(f"{program}: {hand.instance.server}")
            if program in table.TABLE:
                assert hand.instance.server.startswith(table.TABLE[program].says)


def test_servers_of_ones_own_are_added_by_name_and_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Separated by blanks; a name of the table can be given another program."""
    monkeypatch.setenv(table.VARIABLE, "redis-7.4=/opt/redis/redis-server redis=/opt/redis-8")
    assert str(table.server_program("redis-7.4")) == "/opt/redis/redis-server"
    assert str(table.server_program("redis")) == "/opt/redis-8"
