"""Instances that cannot vote: status and log say why, with the remedy; the agent leads with the others."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Node, Settings, quorum_of
from tests.support.lone import lone
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("bad-instances")


def problem_of(node: Node, index: int) -> str:
    """What is wrong with one instance, once the agent has noticed; it leads with the other two meanwhile."""
    problem = until(lambda: list(node.problems().values())[index], "status names the problem")
    assert problem in node.log()
    until(node.leads, f"{node} leads with the others")
    assert node.run("is-leader").code == 0
    assert problem in " ".join(node.run("status").output.split())
    return problem


@contextmanager
def with_third(quorum: EmbeddedQuorum, url: str, more: str = "") -> Iterator[Node]:
    """A node whose third instance is another one."""
    with lone(Settings([*quorum.urls[:2], url], more=more)) as node:
        node.start()
        yield node


@pytest.fixture(scope="module")
def twins() -> Iterator[EmbeddedQuorum]:
    """Three more servers, whose data no other test uses."""
    with quorum_of(3, transport="tcp") as servers:
        yield servers


@pytest.fixture
def two_good(twins: EmbeddedQuorum) -> EmbeddedQuorum:
    """Two servers that are as new, and a third one to be spoilt."""
    for index in range(3):
        twins.flush(index)
    return twins


@contextmanager
def spoilt(*options: str) -> Iterator[EmbeddedQuorum]:
    """One server with these options."""
    with quorum_of(1, transport="tcp", options=options) as server:
        yield server


def free_port() -> int:
    """A port for the cluster's bus: by default it is 10,000 above the server's, which may be too high."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_replica_does_not_vote(two_good: EmbeddedQuorum) -> None:
    """A writable one would answer OK to every write."""
    with spoilt("--replica-read-only", "no") as server:
        host, port = two_good.urls[2].removeprefix("redis://").removesuffix("/0").split(":")
        assert server.ask(0, "REPLICAOF", host, port).startswith(b"+OK")
        with with_third(two_good, server.urls[0]) as node:
            problem = problem_of(node, 2)
    assert "is a replica, so it cannot vote" in problem
    assert "REPLICAOF NO ONE" in problem


def test_a_cluster_node_does_not_vote(two_good: EmbeddedQuorum) -> None:
    """It forgets writes at a fail-over."""
    with spoilt("--cluster-enabled", "yes", "--cluster-port", str(free_port())) as server:
        slots = [str(slot) for slot in range(16_384)]
        assert server.ask(0, "CLUSTER", "ADDSLOTS", *slots).startswith(b"+OK")
        with with_third(two_good, server.urls[0]) as node:
            problem = problem_of(node, 2)
    assert "is a node of a Redis Cluster" in problem
    assert "list an independent server instead" in problem


def test_an_instance_that_evicts_leases_does_not_vote(two_good: EmbeddedQuorum) -> None:
    """With a limit and allkeys-*, nothing survives; the sentence names policy and cure, and that works."""
    options = ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    with spoilt(*options) as server, with_third(two_good, server.urls[0]) as node:
        problem = problem_of(node, 2)
        assert "maxmemory-policy allkeys-lru" in problem
        assert "set maxmemory-policy noeviction" in problem
        assert server.ask(0, "CONFIG", "SET", "maxmemory-policy", "noeviction").startswith(b"+OK")
        until(lambda: not any(node.problems().values()), "it votes again")


def test_a_wrong_password_is_told_without_the_password(two_good: EmbeddedQuorum) -> None:
    """The instance refuses it; neither the log nor status shows it."""
    with spoilt("--requirepass", "right") as server:
        url = server.urls[0].replace("redis://", "redis://:hunter2@")
        with with_third(two_good, url) as node:
            problem = problem_of(node, 2)
            assert "hunter2" not in node.log()
            assert "hunter2" not in node.run("status", "--json").output
    assert "refuses the password of user default" in problem
    assert "correct username and password_file" in problem


def test_a_missing_password_is_told(two_good: EmbeddedQuorum) -> None:
    """The instance wants one, and the configuration has none."""
    with spoilt("--requirepass", "right") as server, with_third(two_good, server.urls[0]) as node:
        assert "wants a password; set password_file" in problem_of(node, 2)


def test_a_missing_right_is_told_with_the_line_that_grants_it(two_good: EmbeddedQuorum) -> None:
    """An ACL user that may do all but one command: the sentence says which, and what to type."""
    with spoilt() as server:
        rights = ["resetkeys", "~leader:*", "resetchannels", "&leader:*", "+@all", "-hset"]
        assert server.ask(0, "ACL", "SETUSER", "agent", "on", ">pw", *rights).startswith(b"+OK")
        url = server.urls[0].replace("redis://", "redis://agent:pw@")
        with with_third(two_good, url) as node:
            problem = problem_of(node, 2)
            assert "does not let user agent run HSET" in problem
            assert "ACL SETUSER agent +hset" in problem
            assert server.ask(0, "ACL", "SETUSER", "agent", "+hset").startswith(b"+OK")
            until(lambda: not any(node.problems().values()), "it votes")


def test_a_key_that_another_program_uses_is_told_by_name(two_good: EmbeddedQuorum) -> None:
    """The instance does not vote, and nothing foreign is overwritten."""
    two_good.ask(2, "SET", "leader:test:election:default", "mine")
    with with_third(two_good, two_good.urls[2]) as node:
        problem = problem_of(node, 2)
    assert "DEL leader:test:election:default" in problem
    assert two_good.ask(2, "GET", "leader:test:election:default").endswith(b"mine\r\n")
