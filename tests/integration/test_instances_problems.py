"""What real servers say when they cannot vote becomes one sentence with a remedy that works."""

import asyncio
import contextlib
import shutil
import socket
from pathlib import Path
from random import Random

import pytest
import redis

from leader.instances.answers import MINIMAL_ACL, Kind
from leader.instances.endpoint import Credentials
from leader.instances.problems import Ineligible, Problem, Unanswered
from leader.protocol.calls import Observe, Take, Verdict
from leader.protocol.runs import ClaimTick, Look, Report, Run, RunState, TickCall
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
from tests.support.polling import eventually

pytestmark = pytest.mark.parametrize("program", PROGRAMS)

ACL = MINIMAL_ACL.format(cluster="test")
PASSWORD = "s3cret"
AGENT = Credentials("agent", PASSWORD)


async def refusal(hand: Hand) -> Problem:
    """The problem of an instance that answers that it cannot vote."""
    with pytest.raises(Ineligible) as refused:
        await hand.send(hand.call(Observe()), registration="me")
    problem = hand.instance.problem
    assert problem is not None
    assert str(refused.value) == problem.sentence
    return problem


async def test_a_replica_does_not_vote_although_a_writable_one_would(program: str) -> None:
    """It answers OK to writes: the script asks for its role."""
    with servers(program) as quorum:
        admin(quorum, "REPLICAOF", "127.0.0.1", "1")
        admin(quorum, "CONFIG", "SET", "replica-read-only", "no")
        async with hand_on(quorum.urls[0]) as hand:
            assert (await refusal(hand)).kind is Kind.REPLICA
        assert admin(quorum, "DBSIZE") == 0


async def test_a_replica_that_serves_nothing_stale_is_told_as_one(program: str) -> None:
    """MASTERDOWN comes before the script runs."""
    with servers(program) as quorum:
        admin(quorum, "CONFIG", "SET", "replica-serve-stale-data", "no")
        admin(quorum, "REPLICAOF", "127.0.0.1", "1")
        async with hand_on(quorum.urls[0]) as hand:
            assert (await refusal(hand)).kind is Kind.REPLICA


async def test_a_cluster_node_does_not_vote(program: str) -> None:
    """It would refuse the keys, or lose them at a fail-over."""
    port = free_port_below(50_000)
    with servers(program, options=("--port", str(port), "--cluster-enabled", "yes")) as quorum:
        async with hand_on(quorum.urls[0]) as hand:
            assert (await refusal(hand)).kind is Kind.CLUSTER


@pytest.mark.parametrize(
    ("policy", "maxmemory", "votes"),
    [("allkeys-lru", "100mb", False), ("allkeys-lru", "0", True), ("volatile-lru", "100mb", True)],
)
async def test_an_instance_that_may_evict_leases_does_not_vote(
    program: str, policy: str, maxmemory: str, *, votes: bool
) -> None:
    """Keys without a TTL survive every policy but allkeys-*, which needs a limit to act."""
    with servers(program, options=("--maxmemory", maxmemory, "--maxmemory-policy", policy)) as quorum:
        async with hand_on(quorum.urls[0]) as hand:
            if votes:
                assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED
            else:
                assert policy in (await refusal(hand)).sentence
                assert admin(quorum, "DBSIZE") == 0


async def test_a_full_instance_is_told(program: str) -> None:
    """At maxmemory without eviction writes fail, and the first of the script does before any other."""
    with servers(program, options=("--maxmemory", "1")) as quorum:
        async with hand_on(quorum.urls[0]) as hand:
            assert (await refusal(hand)).kind is Kind.OUT_OF_MEMORY
        assert admin(quorum, "DBSIZE") == 0


async def test_an_instance_that_cannot_save_is_told(program: str) -> None:
    """Its disk is gone, so it refuses writes."""
    with servers(program) as quorum:
        admin(quorum, "CONFIG", "SET", "save", "3600 1")
        shutil.rmtree(Path(quorum.urls[0].removeprefix("unix://")).with_suffix(""))
        admin(quorum, "SET", "dirty", "1")
        with contextlib.suppress(redis.ResponseError):
            admin(quorum, "BGSAVE")
        await eventually(lambda: "bgsave_status:err" in str(quorum.ask(0, "INFO", "persistence")))
        async with hand_on(quorum.urls[0]) as hand:
            assert (await refusal(hand)).kind is Kind.CANNOT_SAVE


async def test_an_instance_that_waits_for_replicas_is_told(program: str) -> None:
    """It refuses writes until they are there."""
    with servers(program, options=("--min-replicas-to-write", "1")) as quorum:
        async with hand_on(quorum.urls[0]) as hand:
            assert (await refusal(hand)).kind is Kind.TOO_FEW_REPLICAS


async def test_an_instance_that_runs_somebodys_endless_script_is_told(program: str) -> None:
    """It answers BUSY at once, and votes again when the script is killed."""
    with servers(program, options=("--lua-time-limit", "10")) as quorum:
        endless = asyncio.create_task(asyncio.to_thread(run_endless_script, quorum.urls[0]))
        async with hand_on(quorum.urls[0]) as hand:
            await eventually(lambda: quorum.ask(0, "PING").startswith(b"-BUSY"))
            assert (await refusal(hand)).kind is Kind.BUSY
            quorum.ask(0, "SCRIPT", "KILL")
            await endless
            assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED
            assert hand.instance.problem is None


async def test_an_instance_without_room_for_a_connection_is_told(program: str) -> None:
    """At maxclients the server says so and hangs up; if that overtakes its words, the log has them."""
    with servers(program) as quorum:
        async with hand_on(quorum.urls[0], name="first") as first, hand_on(quorum.urls[0]) as hand:
            await first.send()
            admin(quorum, "CONFIG", "SET", "maxclients", "1")
            with pytest.raises((Ineligible, Unanswered), match="maxclients"):
                await hand.send()


async def test_a_database_that_is_not_there_is_told(program: str) -> None:
    """The number stands in the URL."""
    with servers(program) as quorum:
        async with hand_on(f"{quorum.urls[0]}?db=99") as hand:
            assert (await refusal(hand)).kind is Kind.DATABASE


async def test_passwords_are_checked(program: str) -> None:
    """None, a wrong one, one too many, the right one: in the URL or for the whole quorum."""
    with servers(program) as quorum:
        url = quorum.urls[0]
        async with hand_on(url, credentials=Credentials(password=PASSWORD)) as hand:
            assert (await refusal(hand)).kind is Kind.NO_PASSWORD_SET
        admin(quorum, "CONFIG", "SET", "requirepass", PASSWORD)
        async with hand_on(url) as hand:
            assert (await refusal(hand)).kind is Kind.NOT_AUTHENTICATED
        async with hand_on(url, credentials=Credentials(password="wrong")) as hand:
            problem = await refusal(hand)
            assert problem.kind is Kind.WRONG_PASSWORD
            assert "wrong" not in problem.sentence
        async with hand_on(url.replace("unix://", f"unix://:{PASSWORD}@")) as hand:
            assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED


async def test_the_minimal_acl_is_enough_for_all_that_an_agent_does(program: str) -> None:
    """Registry, calls, jobs, publishing, listening and forgetting a node, in a database of its own."""
    with servers(program) as quorum:
        admin(quorum, "ACL", "SETUSER", "agent", "on", f">{PASSWORD}", *ACL.split())
        heard: list[object] = []
        async with hand_on(f"{quorum.urls[0]}?db=1", credentials=AGENT) as hand:
            listening = asyncio.create_task(hand.instance.listen(heard.append))
            await eventually(lambda: b"leader:test:1" in quorum.ask(0, "PUBSUB", "CHANNELS"))
            await hand.send(registration="me")
            seen = await hand.ask(Observe())
            await hand.ask(Take(seen.record.version, holder(5), CONFIGURATION.lease_ms))
            run = Run("report", "nonce", RunState.RUNNING, "n1", "default", 5, 0)
            for operation in (ClaimTick(holder(5), run, 45_000), Report(run), Look()):
                await hand.instance.call_jobs([TickCall("report", operation)], timeout_ns=TIMEOUT_NS)
            await hand.instance.call_jobs([TickCall("", Look())], timeout_ns=TIMEOUT_NS)
            assert not await hand.instance.forget("nobody", TIMEOUT_NS)
            assert [entry.node for entry in await hand.registry()] == ["n1"]
            await hand.send(registration="-")
            await eventually(lambda: len(heard) == 1)
            assert hand.instance.problem is None
            await end(listening)


@pytest.mark.parametrize("right", ["+evalsha", "+script|load", "+hmget", "+hset", "+info", "+time"])
async def test_each_missing_right_is_named_with_the_rule_that_grants_it(program: str, right: str) -> None:
    """And pasting that rule mends it."""
    rights = [rule for rule in ACL.split() if rule != right]
    with servers(program) as quorum:
        admin(quorum, "ACL", "SETUSER", "agent", "on", f">{PASSWORD}", *rights)
        async with hand_on(quorum.urls[0], credentials=AGENT) as hand:
            sentence = (await refusal(hand)).sentence
            assert sentence.endswith(f"ACL SETUSER agent {right}")
            admin(quorum, *sentence.partition("there: ")[2].split())
            await hand.send(hand.call(Observe()), registration="me")


async def test_whoever_may_not_read_the_registry_votes_all_the_same(program: str) -> None:
    """And it is told which rule would let it."""
    rights = [rule for rule in ACL.split() if rule != "+hgetall"]
    with servers(program) as quorum:
        admin(quorum, "ACL", "SETUSER", "agent", "on", f">{PASSWORD}", *rights)
        async with hand_on(quorum.urls[0], credentials=AGENT) as hand:
            with pytest.raises(Ineligible, match="does not let user agent run HGETALL") as refused:
                await hand.registry()
            await hand.send(registration="me")
            assert hand.instance.problem is None
            admin(quorum, *str(refused.value).partition("there: ")[2].split())
            assert [entry.node for entry in await hand.registry()] == ["n1"]


async def test_a_missing_right_to_the_keys_is_named(program: str) -> None:
    """The pattern of all of them."""
    with servers(program) as quorum:
        admin(quorum, "ACL", "SETUSER", "agent", "on", f">{PASSWORD}", *ACL.split(), "resetkeys")
        async with hand_on(quorum.urls[0], credentials=AGENT) as hand:
            assert (await refusal(hand)).sentence.endswith("ACL SETUSER agent ~leader:test:*")


@pytest.mark.parametrize(("without", "rule"), [("resetchannels", "&leader:test:*"), ("-publish", "+publish")])
async def test_whoever_may_not_publish_votes_all_the_same(program: str, without: str, rule: str) -> None:
    """A lost notice only costs time: the problem is told, and says that the instance votes."""
    with servers(program) as quorum:
        admin(quorum, "ACL", "SETUSER", "agent", "on", f">{PASSWORD}", *ACL.split(), without)
        async with hand_on(quorum.urls[0], credentials=AGENT) as hand:
            seen = await hand.ask(Observe())
            answer = await hand.ask(Take(seen.record.version, holder(5), CONFIGURATION.lease_ms))
            assert answer.verdict is Verdict.GRANTED
            problem = hand.instance.problem
            assert problem is not None
            assert problem.votes
            assert problem.sentence.endswith(f"ACL SETUSER agent {rule}")


@pytest.mark.parametrize(
    ("without", "rule"), [("resetchannels", "&leader:test:*"), ("-subscribe", "+subscribe")]
)
async def test_whoever_may_not_listen_votes_all_the_same(program: str, without: str, rule: str) -> None:
    """And listening goes on trying, until the right is there."""
    with servers(program) as quorum:
        admin(quorum, "ACL", "SETUSER", "agent", "on", f">{PASSWORD}", *ACL.split(), without)
        async with hand_on(quorum.urls[0], credentials=AGENT) as hand:
            listening = asyncio.create_task(hand.instance.listen(lambda _notice: None))
            await eventually(lambda: hand.instance.problem is not None)
            problem = hand.instance.problem
            assert problem is not None
            assert problem.votes
            assert problem.sentence.endswith(f"ACL SETUSER agent {rule}")
            assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED
            admin(quorum, "ACL", "SETUSER", "agent", rule)
            await eventually(lambda: hand.instance.problem is None)
            await end(listening)


async def test_a_server_that_starts_is_no_stranger_afterwards(program: str) -> None:
    """A killed server is a lost connection or a refused one; started again, it votes."""
    with servers(program) as quorum:
        async with hand_on(quorum.urls[0]) as hand:
            await hand.send()
            quorum.kill(0)
            with pytest.raises(Unanswered):
                await hand.send()
            with pytest.raises(Unanswered, match="nobody listens on the socket"):
                await hand.send()
            quorum.restart(0, keep_data=False)
            assert (await hand.ask(Observe())).verdict is Verdict.OBSERVED


def run_endless_script(url: str) -> None:
    """Returns when somebody kills it."""
    with contextlib.suppress(redis.ResponseError), redis.Redis.from_url(url, socket_timeout=30) as client:
        client.eval("while true do end", 0)


def free_port_below(limit: int) -> int:
    """A cluster's bus takes the port 10,000 above, so it cannot be any."""
    for port in Random().sample(range(20_000, limit), 200):
        with contextlib.closing(socket.socket()) as one, contextlib.closing(socket.socket()) as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


async def end(task: "asyncio.Task[None]") -> None:
    """Cancel it and wait."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
