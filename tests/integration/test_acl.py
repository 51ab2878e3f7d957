"""The rights that an agent's user needs: just these are enough for everything, and none of them is too many.

Servers note each command that they deny: what is asked here is that there is such a note, or none.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest
import redis

from leader.cli.main import main
from leader.errors import Refused
from leader.instances import subscription
from leader.instances.answers import MINIMAL_ACL
from leader.instances.embedded import EmbeddedQuorum
from leader.instances.endpoint import Credentials, Endpoint
from leader.instances.jobs_wire import MOST_JOBS
from leader.instances.link import Link
from leader.instances.problems import Ineligible, Unanswered
from leader.instances.resolver import Resolver
from leader.instances.rights import Missing, missing_rights
from leader.instances.wire import Caller
from leader.protocol.calls import Observe, Take
from leader.protocol.runs import ClaimTick, Look, Run, RunState, TickCall
from tests.integration.instances_on_servers import (
    CONFIGURATION,
    PROGRAMS,
    TIMEOUT_NS,
    Hand,
    admin,
    hand_on,
    holder,
    servers,
)
from tests.support.agents import CLUSTER, Cluster, Node, Settings, short_directory
from tests.support.polling import eventually, until
from tests.support.servers import servers_here

each_server = pytest.mark.parametrize("program", PROGRAMS)

RULES = MINIMAL_ACL.format(cluster=CLUSTER).split()
RIGHTS = [rule for rule in RULES if rule[0] in "~&+"]
PASSWORD = "pw"
AGENT = Credentials("agent", PASSWORD)


def allow(quorum: EmbeddedQuorum, *rules: str) -> None:
    """Let the agent's user have these rights and no others, and the server's notes be empty."""
    admin(quorum, "ACL", "SETUSER", "agent", "reset", "on", f">{PASSWORD}", *rules)
    admin(quorum, "ACL", "LOG", "RESET")


def denied(quorum: EmbeddedQuorum) -> list[str]:
    """What the server has denied since: commands, keys and channels."""
    return [str(entry["object"]) for entry in admin(quorum, "ACL", "LOG")]


def second_database(quorum: EmbeddedQuorum) -> str:
    """The server's URL, with a database that has to be selected."""
    return f"{quorum.urls[0]}?db=1"


def test_agents_and_commands_need_no_right_beyond_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    """On a server of each kind: two agents, a job, a hand-over, the doctor, the quorum's look, its purge."""
    with one_of_each() as quorums, short_directory() as directory:
        for quorum in quorums:
            allow(quorum, *RULES)
        urls = [second_database(quorum).replace("://", f"://agent:{PASSWORD}@") for quorum in quorums]
        with Cluster(directory, Settings(urls), "ab") as cluster:
            leader = cluster.wait_for_leader()
            (other,) = cluster.others(leader)
            with leader.client(10).once("report") as tick:
                assert tick is not None
            until(lambda: has_stepped_down(leader), "the other one is able to follow")
            cluster.wait_for_leader(other_than=leader)
            found = json.loads(command(capsys, leader, "doctor", "--json", "--socket", str(leader.socket)))
            assert not {"instance-rights", "instance-no-permission"} & {
                one["code"] for one in found["findings"]
            }
            assert command(capsys, other, "quorum").count("keeps generation 1 (lease") == len(urls)
            assert "report" in str(other.client().jobs())
            for node in (leader, other):
                assert not any(node.problems().values())
                assert node.stop() == 0
            assert command(capsys, other, "quorum", "--purge").count(" keys removed") == len(urls)
        for quorum in quorums:
            with redis.Redis.from_url(second_database(quorum)) as client:
                assert client.dbsize() == 0
            assert denied(quorum) == []


@contextlib.contextmanager
def one_of_each() -> Iterator[list[EmbeddedQuorum]]:
    """A server of each kind, all at once."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(servers(program)) for program in servers_here()]


def has_stepped_down(node: Node) -> bool:
    """Whether it has handed over, now that it was asked to."""
    try:
        node.client(10).step_down()
    except Refused:
        return False
    return True


def command(capsys: pytest.CaptureFixture[str], node: Node, *words: str) -> str:
    """What a command says, run in this process, which saves its start; it must have found nothing wrong."""
    code = main([*words, "--config", str(node.config)])
    said = capsys.readouterr()
    assert code == 0 or words[0] == "doctor", said.out + said.err
    return said.out


@each_server
async def test_each_right_of_the_line_is_used(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all of them nothing is denied; without any single one, something is."""
    monkeypatch.setattr(subscription, "_QUIET_S", 0.02)
    with servers(program) as quorum:
        allow(quorum, *RULES)
        await do_everything(quorum)
        assert denied(quorum) == []
        for right in RIGHTS:
            allow(quorum, *(rule for rule in RULES if rule != right))
            await do_everything(quorum)
            assert denied(quorum), f"nothing needs {right}"


@each_server
async def test_the_doctor_misses_each_right_of_the_line(program: str) -> None:
    """Just the one that is not there, as the rule that grants it."""
    with servers(program) as quorum:
        for right in RIGHTS:
            allow(quorum, *(rule for rule in RULES if rule != right))
            assert (await missing(quorum)).rules == right


@each_server
async def test_what_is_not_the_clusters_is_out_of_reach(program: str) -> None:
    """Other clusters' keys and channels, also from within a script, and commands that rule a server."""
    with servers(program) as quorum:
        admin(quorum, "HSET", "leader:other:nodes", "a", "1")
        allow(quorum, *RULES)
        with redis.Redis(
            unix_socket_path=quorum.urls[0].removeprefix("unix://"), username="agent", password=PASSWORD
        ) as client:
            script = client.execute_command(
                "SCRIPT", "LOAD", "return redis.call('HGETALL', 'leader:other:nodes')"
            )
            for command in (
                *(("HGETALL", key) for key in ("leader:other:nodes", f"leader:{CLUSTER}x:nodes", "mine")),
                *(("DEL", "leader:other:nodes"), ("HSET", "leader:other:nodes", "a", "2")),
                *(("PUBLISH", "leader:other:0", ""), ("PUBLISH", "news", "")),
                *(("EVALSHA", script, "0"), ("EVAL", "return 1", "0")),
                *(("FLUSHALL",), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("CLIENT", "LIST")),
                *(("SHUTDOWN", "NOSAVE"), ("REPLICAOF", "NO", "ONE"), ("SCRIPT", "FLUSH"), ("MONITOR",)),
            ):
                with pytest.raises(redis.ResponseError, match=r"(?i)permission|can't access|ACL failure"):
                    client.execute_command(*command)
        assert admin(quorum, "HGETALL", "leader:other:nodes") == {"a": "1"}


async def do_everything(quorum: EmbeddedQuorum) -> None:
    """All that agents and commands do at an instance, each whether or not the one before was allowed."""
    prepare(quorum)
    async with hand_on(second_database(quorum), credentials=AGENT) as hand:
        listening = asyncio.create_task(hand.instance.listen(lambda _notice: None))
        await tried(hand.send(registration="me"))
        await tried(hand.registry())
        await tried(take(hand))
        run = Run("report", "nonce", RunState.RUNNING, "n1", "default", 5, 0)
        for call in (TickCall("report", ClaimTick(holder(5), run, 45_000)), TickCall("", Look())):
            await tried(hand.instance.call_jobs([call], timeout_ns=TIMEOUT_NS))
        await tried(hand.instance.forget("nobody", TIMEOUT_NS))
        await eventually(lambda: bool(denied(quorum)) or has_been_probed(quorum))
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await tried(hand.instance.purge(["default"], TIMEOUT_NS))


def prepare(quorum: EmbeddedQuorum) -> None:
    """So many jobs that the next one has to look for room, no script, and no connection that was probed."""
    runs = json.dumps([["old", "done", "n1", "default", "5", "0", "0", "0", "0"]])
    with redis.Redis.from_url(second_database(quorum)) as client:
        client.hset(f"leader:{CLUSTER}:jobs", mapping={f"job{number}": runs for number in range(MOST_JOBS)})
        client.script_flush()
        client.config_resetstat()


def has_been_probed(quorum: EmbeddedQuorum) -> bool:
    """Whether a connection that listens was found quiet, and asked."""
    return "cmdstat_ping" in admin(quorum, "INFO", "commandstats")


async def take(hand: Hand) -> None:
    """Win an election there, which is published."""
    seen = await hand.ask(Observe())
    await hand.ask(Take(seen.record.version, holder(5), CONFIGURATION.lease_ms))


async def tried(doing: Awaitable[Any]) -> None:
    """Wait for it, whether or not it is allowed."""
    with contextlib.suppress(Ineligible, Unanswered):
        await doing


async def missing(quorum: EmbeddedQuorum) -> Missing:
    """What the agent's user lacks there, as the doctor finds out."""
    link = Link(Endpoint.of(quorum.urls[0], AGENT), Resolver("", 0), 1.0)
    await link.open()
    try:
        return await missing_rights(link, Caller(CLUSTER, "a", 0, CONFIGURATION), ["default"])
    finally:
        link.abort()
