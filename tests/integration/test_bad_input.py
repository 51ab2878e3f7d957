"""What people get wrong: one sentence with the remedy, and the right exit code.

The agent goes on wherever it safely can.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.faults.wall import wall
from tests.support.agents import CLUSTER, LEASE_S, Cluster, Node, Settings, record_of, term_of
from tests.support.lone import lone, only_sentence
from tests.support.polling import always, until

pytestmark = pytest.mark.xdist_group("bad-input")
BAD_CONFIGURATION, UNKNOWN, WRONG_USAGE = 78, 3, 2


# The configuration.

URLS = ("redis://10.0.0.1:6379", "redis://10.0.0.2:6379", "redis://10.0.0.3:6379")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(URLS, more="[elections.default]\nprioritty = 3"), 'did you mean "priority"?'),
        (Settings(URLS, more='[quorums]\nlease = "1s"'), 'did you mean "quorum"?'),
        (Settings(URLS, lease="ten seconds"), "quorum.lease"),
        (Settings(URLS, lease="-1s"), "quorum.lease"),
        (Settings(URLS, lease="100ms"), "must be from 1s to 1h"),
        (Settings(URLS, lease="2h"), "must be from 1s to 1h"),
        (Settings((*URLS, "redis://10.0.0.1:6379/0")), "one server has one vote"),
        (Settings((*URLS, "redis://LOCALHOST:6379")), "the same server on every node"),
        (Settings(("http://10.0.0.1",)), "quorum.instances[0]"),
        (Settings(()), "must list the URL of at least one Redis server"),
        (Settings(URLS, more='[fitness]\ncommand = "fit"'), "must be a list of texts"),
        (Settings(URLS, more="[elections.reports\n"), "is not TOML"),
    ],
    ids=[
        "a key that is nearly right",
        "a table that is nearly right",
        "no duration",
        "a negative duration",
        "a lease too short to be renewed",
        "a lease too long",
        "a server twice",
        "a loopback address among others",
        "no Redis URL",
        "no instance",
        "a wrong type",
        "no TOML",
    ],
)
def test_a_configuration_that_breaks_a_rule_is_78_with_one_sentence(settings: Settings, words: str) -> None:
    """The sentence names file, key, value and rule; the agent does not start, and leaves nothing."""
    with lone(settings) as node:
        ended = node.run_agent()
        assert ended.code == BAD_CONFIGURATION
        assert words in only_sentence(ended)
        assert str(node.config) in only_sentence(ended)
        assert not node.socket.exists()
        checked = node.run("config", "check", "--config", str(node.config))
        assert (checked.code, only_sentence(checked)) == (BAD_CONFIGURATION, only_sentence(ended))


def test_a_server_behind_two_names_is_78_at_the_start(shared_tcp: EmbeddedQuorum) -> None:
    """It has one vote, whatever it is called: the agent knows it by its process, and says both names."""
    with wall(shared_tcp.urls[:1]) as built:
        urls = [shared_tcp.urls[0], shared_tcp.urls[1], built.urls[0]]
        with lone(Settings(urls)) as node:
            ended = node.run_agent()
    assert ended.code == BAD_CONFIGURATION
    assert "lists one server twice" in only_sentence(ended)
    for url in (urls[0], urls[2]):
        assert url.removeprefix("redis://") in only_sentence(ended)
    assert record_of(shared_tcp, 0).get("state") != "held"


# Another configuration on one node (rule R10).


@pytest.mark.parametrize("difference", ["lease", "list"])
def test_a_node_with_another_configuration_is_refused_by_name_and_disturbs_nobody(
    pair: Cluster, shared_tcp: EmbeddedQuorum, difference: str
) -> None:
    """Another lease, or another list: the node does not claim, and says whose configuration is in force.

    Source: symfony docs#8847: nodes with different lists of servers, and nothing noticed.
    """
    leader = pair.settle()
    term = term_of(leader)
    others = {
        "lease": replace(pair.settings, lease="3s"),
        "list": replace(pair.settings, urls=pair.settings.urls[:2]),
    }
    odd = pair.add("odd", others[difference])
    try:
        odd.start()
        reason = until(
            lambda: odd.reason() if "another list, lease or generation" in odd.reason() else "", "it is told"
        )
        assert f"written by node {leader.name}: give all nodes the same [quorum]" in reason
        assert reason in " ".join(odd.run("status", "default").output.split())
        always(lambda: not odd.leads(), "it does not lead", LEASE_S * 2)
        assert odd.run("is-leader").code == 1
        (told,) = [line for line in odd.log().splitlines() if "this node claims nothing" in line]
        assert f"keeps another list, lease or generation, written by node {leader.name}" in told
        assert odd.get("/readyz") == 503
        checked = odd.run("health")
        assert checked.code == 1
        assert "this node may claim nothing: instance" in checked.output
        entry = ("HGET", f"leader:{CLUSTER}:about", "odd")
        until(lambda: b'"contends":false' in shared_tcp.ask(0, *entry), "nobody names it as a successor")
    finally:
        pair.remove(odd)
    assert leader.leads()
    assert term_of(leader) == term


# Sockets, elections, commands.


def test_an_unknown_election_is_2_and_names_those_that_exist(pair: Cluster) -> None:
    """A typo in a crontab must not look like "another node leads"."""
    node = pair.settle()
    for command in ("is-leader", "status", "wait"):
        ended = node.run(command, "reprots")
        assert ended.code == WRONG_USAGE
        assert "there is: default" in only_sentence(ended)


def test_a_socket_without_an_agent_is_3(pair: Cluster) -> None:
    """There is none, or none any more: unknown is not "no"."""
    node = pair.settle()
    for path in (
        node.directory / "nowhere.sock",
        node.directory / "no" / "dir" / "x.sock",
        node.config / "x",
    ):
        ended = node.run("is-leader", "--socket", str(path))
        assert ended.code == UNKNOWN
        assert "start `leader agent`" in only_sentence(ended)


@pytest.mark.parametrize("command", [("is-leader",), ("status",), ("wait", "--timeout", "1s")])
def test_a_socket_path_that_is_too_long_is_told(command: Sequence[str]) -> None:
    """The kernel takes 107 bytes; the sentence says so, and the code is not 0 or 1."""
    with lone(Settings(URLS)) as node:
        path = node.directory / ("x" * 120)
        ended = node.run(*command, "--socket", str(path))
        assert ended.code in {UNKNOWN, BAD_CONFIGURATION}
        assert "107" in only_sentence(ended)


def test_an_agent_with_a_socket_path_that_is_too_long_is_78() -> None:
    """It says how long it may be, and how to name another."""
    with lone(Settings(URLS)) as node:
        node.environment["LEADER_SOCKET"] = str(node.directory / ("x" * 120))
        ended = node.run_agent()
    assert ended.code == BAD_CONFIGURATION
    assert "107" in only_sentence(ended)


def test_an_agent_does_not_replace_a_file_that_is_no_socket() -> None:
    """Whatever stands at its place may be of value."""
    with lone(Settings(URLS)) as node:
        node.socket.write_text("precious")
        ended = node.run_agent()
        assert ended.code not in {0, UNKNOWN}
        assert "is there and no socket" in only_sentence(ended)
        assert node.socket.read_text() == "precious"


@pytest.mark.needs("root")
def test_a_socket_that_one_may_not_open_is_3(pair: Cluster) -> None:
    """The user may not search its directory: the sentence says what to widen, and the answer is not "no"."""
    node = pair.settle()
    node.directory.parent.chmod(0o755)
    node.directory.chmod(0o700)
    try:
        assert asked_by_nobody(node).returncode == UNKNOWN
        assert "this user may not open" in asked_by_nobody(node).stderr
    finally:
        node.directory.chmod(0o755)
    assert asked_by_nobody(node).returncode == 0


def asked_by_nobody(node: Node) -> "subprocess.CompletedProcess[str]":
    """`is-leader`, asked by the user who may do the least."""
    # loaded before it becomes that user, for the interpreter may stand where only root may read
    ask = "import sys; from leader.fastpath import is_leader; sys.exit(is_leader(sys.argv[1:]))"
    drop = "import os; os.setgid(65534); os.setgroups([]); os.setuid(65534);"
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"from leader import fastpath, durations, errors; {drop} {ask}",
            "--socket",
            str(node.socket),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
