"""Clients that take all they can get: `is-leader` is right within its time-out, and the leader leads on."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Node, Settings, quorum_of, term_of
from tests.support.lone import lone
from tests.support.polling import NS_PER_S, until
from tests.support.ports import fetch, free_port

pytestmark = pytest.mark.xdist_group("limits")

MANY = 10_000
OURS = 500
"""Files that the test itself, and the server of it, may need beside the connections."""
MOST_MB = 100
NOBODY = 65_534
OK = 200

CROWD = """
import json, os, select, socket, sys
how, where, count, user = json.loads(sys.argv[1])
family = socket.AF_INET if isinstance(where, list) else socket.AF_UNIX
socket.socket(family).close()
if os.geteuid() == 0 and user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
clients = []
for _ in range(count):
    client = socket.socket(family)
    client.connect(tuple(where) if isinstance(where, list) else where)
    clients.append(client)
for client in clients:
    client.setblocking(False)
print("all are there", flush=True)
asked = (how + " HTTP/1.1\\r\\nHost: leader\\r\\n\\r\\n").encode() * 64
while how == "idle":
    select.select([], [], [])
while True:
    for client in clients:
        try:
            client.send(asked)
            client.recv(1_000_000)
        except OSError:
            pass
"""


@pytest.fixture(scope="module")
def quorum() -> Iterator[EmbeddedQuorum]:
    """Servers for one node at a time."""
    with quorum_of(3) as servers:
        yield servers


PORT = free_port()


@pytest.fixture(scope="module")
def leader(quorum: EmbeddedQuorum) -> Iterator[Node]:
    """A node that leads, and that every user may ask, also over TCP."""
    with leading(quorum, "4s", f'[api]\nlisten = "127.0.0.1:{PORT}"') as node:
        yield node


@contextmanager
def leading(quorum: EmbeddedQuorum, lease: str = "2s", more: str = "") -> Iterator[Node]:
    """A node of its own cluster that leads, and that every user may ask."""
    with lone(Settings(quorum.urls, lease=lease, more=more)) as node:
        node.environment["LEADER_CLUSTER"] = f"limits-{lease}"
        for directory in (node.directory.parent, node.directory):
            directory.chmod(0o755)
        node.start()
        until(node.leads, f"{node} leads")
        yield node


@contextmanager
def crowd(how: str, where: Path | tuple[str, int], count: int, user: int = NOBODY) -> Iterator[None]:
    """Another user's process with so many connections; once all are there, they are idle, or ask for that."""
    place = str(where) if isinstance(where, Path) else where
    command = [sys.executable, "-c", CROWD, json.dumps([how, place, count, user])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "all are there\n"
            yield
        finally:
            process.kill()


@contextmanager
def files_for(count: int) -> Iterator[int]:
    """As many open files as the system allows; how many connections that is, at most so many."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        yield min(count, most - OURS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def resident_mb(node: Node) -> float:
    """The memory of the agent, in megabytes."""
    words = Path(f"/proc/{node.pid}/status").read_text().partition("VmRSS:")[2].split()
    return int(words[0]) / 1000


def open_files(pid: int) -> tuple[int, int]:
    """A process' limit of open files: now, and at most."""
    words = Path(f"/proc/{pid}/limits").read_text().partition("Max open files")[2].split()
    return int(words[0]), int(words[1])


def check(node: Node, term: int, for_s: float) -> None:
    """All the time, `is-leader` is right within its time-out of a second, and the leadership goes on."""
    end = now_ns() + int(for_s * NS_PER_S)
    while now_ns() < end:
        ended = node.run("is-leader")
        assert (ended.code, ended.complaint) == (0, ""), f"{ended}; the agent's log:\n{node.log()}"
    assert term_of(node) == term
    assert resident_mb(node) < MOST_MB
    assert "Traceback" not in node.log()


def test_ten_thousand_idle_connections_leave_is_leader_its_answer(
    leader: Node, figures: Callable[[str], None]
) -> None:
    """Of one user that may change nothing."""
    term = term_of(leader)
    with files_for(MANY) as many, crowd("idle", leader.socket, many):
        check(leader, term, 2)
        figures(f"{many} idle connections: {resident_mb(leader):.0f} MB")
    assert leader.run("is-leader").code == 0


def test_ten_thousand_idle_connections_over_the_network_leave_probes_and_is_leader_their_answers(
    leader: Node,
) -> None:
    """The port has fewer places; a probe takes that of the one that has been idle for the longest time."""
    term = term_of(leader)
    with files_for(MANY) as many, crowd("idle", ("127.0.0.1", PORT), many):
        check(leader, term, 1)
        assert until(lambda: fetch(PORT, "/leader"), "a probe is answered").status == OK


@pytest.mark.parametrize("how", ["GET /v1/status", "GET /leader", "GET /v1/jobs", "POST /v1/pause", "FOO"])
def test_requests_without_end_of_a_user_without_rights_delay_nobody_elses(leader: Node, how: str) -> None:
    """Hundreds of connections that send requests ahead, and take answers as they like."""
    term, before = term_of(leader), len(leader.log().splitlines())
    with crowd(how, leader.socket, 300):
        check(leader, term, 1.5)
    assert len(leader.log().splitlines()) < before + 60


def test_the_agent_takes_as_many_files_as_it_may_and_what_it_starts_does_not(
    quorum: EmbeddedQuorum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is raised as far as the system allows; a hook has the one that the agent was started with."""
    with lone(Settings(quorum.urls, lease="1s")) as node:
        node.environment["LEADER_CLUSTER"] = "hooks"
        told = node.directory / "told"
        hook = f'[elections.default]\non_gained = ["ulimit -Sn > {told}; ulimit -Hn >> {told}"]'
        node.configure(replace(node.settings, more=hook))
        limit(monkeypatch, node, 300, 4000)
        node.start()
        assert open_files(node.pid) == (4000, 4000)
        until(lambda: told.exists() and told.read_text().split() == ["300", "4000"], "the hook has told")
        node.signal(signal.SIGHUP)
        until(lambda: "agent re-executes" in node.log(), "it takes its own place")
        until(node.leads, "it leads again")
        assert open_files(node.pid) == (4000, 4000)


def limit(monkeypatch: pytest.MonkeyPatch, node: Node, soft: int, hard: int) -> None:
    """What is started of this node from now on may have so many files open."""
    shell = ["/bin/sh", "-c", f'ulimit -Sn {soft}; ulimit -Hn {hard}; exec "$@"', "sh"]
    monkeypatch.setattr(node, "command", lambda *words: [*shell, *Node.command(node, *words)])


def test_where_few_files_are_allowed_the_quorum_has_its_share(
    quorum: EmbeddedQuorum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 256 in all and a thousand clients: the agent reaches its instances anew, and starts hooks."""
    with leading(quorum) as node:
        node.stop()
        limit(monkeypatch, node, 256, 256)
        node.start()
        monkeypatch.undo()
        until(node.leads, f"{node} leads")
        term = term_of(node)
        with crowd("idle", node.socket, 1000):
            check(node, term, 1)
            quorum.restart(2, keep_data=True)
            until(lambda: not any(node.problems().values()), "the agent has connected to it again")
            check(node, term, 1)


def test_a_descriptor_that_cannot_be_had_is_no_busy_loop(quorum: EmbeddedQuorum) -> None:
    """While the system has none left, clients wait, and the agent does not spin; idle ones make room."""
    with leading(quorum) as node, ExitStack() as stack:
        for _ in range(50):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(node.socket))
        until(lambda: descriptors(node) >= 50, "all are let in")
        limit, own = resource.RLIMIT_NOFILE, open_files(node.pid)
        resource.prlimit(node.pid, limit, (descriptors(node), own[1]))
        used = cpu_s(node)
        term = term_of(node)
        for _ in range(20):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(node.socket))
        check(node, term, 2)
        assert cpu_s(node) - used < 1
        resource.prlimit(node.pid, limit, own)


def descriptors(node: Node) -> int:
    """How many files the agent has open."""
    return sum(1 for _ in Path(f"/proc/{node.pid}/fd").iterdir())


def cpu_s(node: Node) -> float:
    """How much of a processor the agent has used, in seconds."""
    fields = Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
