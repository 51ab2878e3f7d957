"""Which rights a user lacks at a real server, told without changing anything there."""

import pytest

from leader.instances.answers import MINIMAL_ACL
from leader.instances.endpoint import Credentials, Endpoint
from leader.instances.link import Link
from leader.instances.resolver import Resolver
from leader.instances.rights import Missing, missing_rights
from leader.instances.wire import Caller
from tests.integration.instances_on_servers import CONFIGURATION, PROGRAMS, servers

PASSWORD = "pw"
TAKEN = ("-hset", "-time", "-publish", "resetkeys", "resetchannels")


async def missing(url: str) -> Missing:
    """What the user `agent` lacks at that instance."""
    link = Link(Endpoint.of(url, Credentials("agent", PASSWORD)), Resolver("", 0), 1.0)
    await link.open()
    try:
        return await missing_rights(link, Caller("prod", "a", 0, CONFIGURATION), ["default"])
    finally:
        link.abort()


@pytest.mark.parametrize("program", PROGRAMS)
async def test_the_rules_that_are_told_are_just_what_is_missing(program: str) -> None:
    """Given to the user, nothing is missing any more; and no key was written by asking."""
    with servers(program) as quorum:
        quorum.ask(
            0, "ACL", "SETUSER", "agent", "on", f">{PASSWORD}", *MINIMAL_ACL.format(cluster="prod").split()
        )
        assert not await missing(quorum.urls[0])
        quorum.ask(0, "ACL", "SETUSER", "agent", *TAKEN)
        found = await missing(quorum.urls[0])
        assert found.rules == "~leader:prod:* &leader:prod:* +time +hset +publish"
        quorum.ask(0, "ACL", "SETUSER", "agent", *found.rules.split())
        assert not await missing(quorum.urls[0])
        assert quorum.ask(0, "DBSIZE") == b":0\r\n"
