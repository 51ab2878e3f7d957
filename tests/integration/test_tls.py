"""Agents and TLS: what is wrong with one instance is told in a sentence, and the others elect a leader."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.integration.instances_on_servers import servers
from tests.integration.tls_servers import Authority, tls_options
from tests.support.agents import CLUSTER, Cluster, Node, Settings, short_directory
from tests.support.polling import until
from tests.support.ports import free_port

pytestmark = pytest.mark.needs("redis-server", "openssl")

SAID = {
    "stranger": ("instance-certificate", "of an authority that this node does not trust"),
    "elsewhere": ("instance-certificate", "was made for another host"),
    "late": ("instance-certificate", "has expired; renew it there"),
    "strict": ("instance-connection-lost", "set cert_file and key_file under [quorum] tls"),
    "plain": ("instance-plain-port", "write redis:// instead of rediss://"),
    "secured": ("instance-connection-lost", "if that is a TLS port, write rediss://"),
}
"""What is wrong with each instance: the doctor's code, and a part of the sentence, whichever comes first."""
OTHERWISE = {"strict": "instance-certificate", "secured": "instance-protocol"}
"""The codes where the server's own words overtake the end of the connection, which is chance."""


@dataclass(frozen=True)
class Secured:
    """A server with its TLS port."""

    quorum: EmbeddedQuorum
    port: int


@contextlib.contextmanager
def secured(authority: Authority, ours: Authority, more: str = "", clients: str = "no") -> Iterator[Secured]:
    """A server whose certificate is of that authority, and made as `more` says."""
    names, days = (more or "DNS:localhost"), (-1 if more == "late" else 2)
    pair = authority.issue("server", names.replace("late", "DNS:localhost"), days)
    port = free_port()
    with servers("redis", options=tls_options(port, pair, ours.ca_file, clients)) as quorum:
        yield Secured(quorum, port)


@contextlib.contextmanager
def spoilt(ours: Authority) -> Iterator[dict[str, str]]:
    """The URLs of the instances of `SAID`, by name."""
    other = Authority(ours.directory, "other")
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        ports = {
            "stranger": enter(secured(other, ours)).port,
            "elsewhere": enter(secured(ours, ours, "DNS:elsewhere.example")).port,
            "late": enter(secured(ours, ours, "late")).port,
            "strict": enter(secured(ours, ours, clients="yes")).port,
        }
        plain = enter(servers("redis", transport="tcp")).urls[0]
        yield {
            **{name: f"rediss://localhost:{port}" for name, port in ports.items()},
            "plain": plain.replace("redis://127.0.0.1", "rediss://localhost"),
            "secured": f"redis://localhost:{enter(secured(ours, ours)).port}",
        }


def test_each_fault_with_tls_is_told_and_the_rest_elects_a_leader() -> None:
    """In status and by the doctor, one sentence each; nothing hangs, and the leader holds all the others."""
    with contextlib.ExitStack() as stack:
        ours = Authority(stack.enter_context(short_directory()))
        bad = stack.enter_context(spoilt(ours))
        good = stack.enter_context(servers("redis", len(bad)))
        trusted = stack.enter_context(secured(ours, ours))
        named = {f"good{index}": url for index, url in enumerate(good.urls)} | bad
        named["trusted"] = f"rediss://localhost:{trusted.port}"
        settings = Settings(list(named.values()), more=f'[quorum.tls]\nca_file = "{ours.ca_file}"')
        directory = stack.enter_context(short_directory())
        with Cluster(directory, settings, "a") as cluster:
            node = cluster.wait_for_leader()
            places = {name: url.rpartition("localhost:")[2].partition("/")[0] for name, url in named.items()}
            for name, (_, said) in SAID.items():
                until(lambda name=name, said=said: said in problem_at(node, places[name]), f"{name}: {said}")  # type: ignore[misc]
            until(lambda: len(wrong(node)) == len(bad), "nothing is wrong with the others")
            assert all("\n" not in problem for problem in wrong(node))
            votes = len(good.urls) + 1
            until(lambda: sum(vote["holder"] == "a" for vote in node.votes()) == votes, "they all vote")
            assert node.leads()
            check_doctor(node, places)


def problem_at(node: Node, place: str) -> str:
    """What status says of the instance whose URL ends so."""
    (found,) = [problem for name, problem in node.problems().items() if f"localhost:{place}/" in name]
    return found or ""


def wrong(node: Node) -> list[str]:
    """The sentences that status says of instances."""
    return [problem for problem in node.problems().values() if problem]


def check_doctor(node: Node, places: dict[str, str]) -> None:
    """Each fault is a finding of its code, with the place and the same sentence."""
    found = json.loads(node.run("doctor", "--json", "--config", str(node.config)).output)["findings"]
    for name, (code, said) in SAID.items():
        (one,) = [finding for finding in found if f"localhost:{places[name]}/" in finding["what"]]
        assert one["code"] in {code, OTHERWISE.get(name)}, one
        assert said in f"{one['what']}; {one['remedy']}"


def test_agents_with_client_certificates_lead_and_hand_over() -> None:
    """On servers that ask for one, as all that is said there is: beats, and notices of hand-overs."""
    with contextlib.ExitStack() as stack:
        ours = Authority(stack.enter_context(short_directory()))
        cert, key = ours.issue("client")
        strict = [stack.enter_context(secured(ours, ours, clients="yes")) for _ in range(3)]
        files = f'ca_file = "{ours.ca_file}"\ncert_file = "{cert}"\nkey_file = "{key}"'
        urls = [f"rediss://localhost:{server.port}" for server in strict]
        directory = stack.enter_context(short_directory())
        with Cluster(directory, Settings(urls, more=f"[quorum.tls]\n{files}"), "ab") as cluster:
            leader = cluster.wait_for_leader()
            channel = f"leader:{CLUSTER}:0"
            for server in strict:
                until(
                    lambda server=server: b":2\r\n" in server.quorum.ask(0, "PUBSUB", "NUMSUB", channel),  # type: ignore[misc]
                    "both listen",
                )
            until(lambda: leader.run("step-down").code == 0, "the other one is able to follow")
            cluster.wait_for_leader(other_than=leader)
            assert not any(leader.problems().values())
