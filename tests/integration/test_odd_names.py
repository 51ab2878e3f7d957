"""Names with every odd character, wherever somebody may say one: they steer no terminal, header or label."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leader.api.figures import Figures
from leader.api.message import Request, headers_of
from leader.api.metrics import render
from leader.api.peers import Peer
from leader.api.plain import Plain, write
from leader.api.routes import respond
from leader.config.load import from_document
from leader.errors import ConfigurationError
from leader.names import is_name
from leader.protocol.snapshot import Leadership
from tests.support.agents import Node, Settings
from tests.support.lone import lone
from tests.unit.api.handmade import HandmadeSource

ODD = [
    "\x1b[2J\x1b]0;owned\x07",
    "a\r\nLeader-Term: 9",
    "../../etc/passwd",
    "..",
    "a/b",
    'a"} 1\nleader_is_leader{election="x',
    "\u202egnp",
    "\x9b31m",
    "a b",
    "$(id)",
    "a:b",
    "x" * 65,
    "é",
    "{0}",
    "%s%n",
]
CODES = {1, 2, 3, 75}
ROOT = Peer(1, 0, 0, frozenset({0}))

pytestmark = pytest.mark.xdist_group("odd-names")


@pytest.mark.parametrize("odd", [*ODD, "", "a\x00"])
def test_none_of_these_can_be_a_name(odd: str) -> None:
    """So none becomes a key, a channel, a label or a file."""
    assert not is_name(odd)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "place",
    [
        lambda odd: {"cluster": odd},
        lambda odd: {"node": {"name": odd}},
        lambda odd: {"elections": {odd: {}}},
        lambda odd: {"quorum": {"instances": {odd: "redis://h"}}},
    ],
    ids=["cluster", "node", "election", "instance"],
)
def test_a_configuration_that_says_one_is_refused(
    place: Callable[[str], dict[str, object]], odd: str
) -> None:
    """With a sentence for each, which quotes it so that it can be shown."""
    good = {"cluster": "c", "node": {"name": "n"}, "quorum": {"instances": ["redis://h"]}}
    with pytest.raises(ConfigurationError) as caught:
        from_document(good | place(odd), "f.toml")
    assert all(problem.isprintable() for problem in caught.value.problems)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/elections/{}/leader", {}),
        ("GET", "/v1/elections/{}", {}),
        ("GET", "/v1/jobs/{}", {}),
        ("GET", "/{}", {}),
        ("POST", "/v1/jobs/{}/claim", {"election": "default"}),
        ("POST", "/v1/jobs/report/claim", {"election": None, "nonce": "ODD"}),
        ("POST", "/v1/jobs/{}/end", {"nonce": "n"}),
        ("POST", "/v1/jobs/{}/run", {"nonce": "n"}),
        ("POST", "/v1/elections/{}/step-down", {}),
        ("POST", "/v1/elections/default/step-down", {"to": "ODD"}),
        ("POST", "/v1/nodes/{}/forget", {}),
        ("POST", "/v1/pause", {"reason": "ODD", "for_ms": 0}),
    ],
)
async def test_a_path_or_a_body_that_says_one_is_refused(
    method: str, path: str, body: dict[str, object], odd: str
) -> None:
    """The answer is JSON, its headers are lines, and nobody was asked for anything."""
    source = HandmadeSource()
    said = {key: odd if value == "ODD" else value for key, value in body.items()}
    response = respond(
        source, Request(method, path.format(quote(odd, safe="")), json.dumps(said).encode(), ROOT)
    )
    if response.later is not None:
        response = await response.later()
    assert 400 <= response.status < 500, response
    assert "error" in json.loads(response.body)
    assert all(value.isascii() and value.isprintable() for _, value in headers_of(response))
    assert not source.wishes
    assert not source.ended
    assert not source.operator.orders


@pytest.mark.parametrize("odd", ODD)
def test_no_header_is_added_by_what_another_node_is_called(odd: str) -> None:
    """Should one ever come so far."""

    class Odd(HandmadeSource):
        def leadership(self, election: str) -> Leadership:
            return Leadership(election, odd, leader=False, term=4, holder=odd, remaining_ms=0)

    answer = write(Plain("GET", "/leader", closes=True), respond(Odd(), Request("GET", "/leader")))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert len(re.findall(rb"\r\nLeader-Term: ", head)) == 1
    assert head.isascii()
    assert json.loads(body)["holder"] == odd


@pytest.mark.parametrize("odd", ODD)
def test_no_label_is_added_by_what_a_job_is_called(odd: str) -> None:
    """Prometheus reads the name as it is, and no sample beside it."""
    source = HandmadeSource(counted=Figures(runs={(odd, "done"): 3}))
    families = text_string_to_metric_families(render(source).body.decode())
    (runs,) = [family for family in families if family.name == "leader_job_runs"]
    assert [sample.labels["leader_job"] for sample in runs.samples] == [odd]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node whose quorum is away, but whose agent answers."""
    with lone(Settings(["redis://127.0.0.1:1"])) as one:
        one.start()
        yield one


@pytest.mark.parametrize(
    "command",
    [
        ("is-leader", "ODD"),
        ("wait", "ODD", "--timeout", "1ms"),
        ("run", "--timeout", "1ms", "ODD", "--", "true"),
        ("once", "ODD", "--", "true"),
        ("once", "report", "--election", "ODD", "--", "true"),
        ("status", "ODD"),
        ("health", "ODD"),
        ("jobs", "ODD"),
        ("step-down", "--to", "ODD"),
        ("step-down", "ODD"),
        ("forget", "ODD"),
        ("agent", "--node", "ODD"),
    ],
    ids=" ".join,
)
def test_a_command_that_is_told_one_says_so_on_lines_that_can_be_shown(
    node: Node, command: tuple[str, ...]
) -> None:
    """And ends with one of its codes; nothing is started, and no file is made."""
    before = {path for path in node.directory.rglob("*") if path.name != "log"}
    for odd in ODD[:1] + ODD[2:3]:
        ended = node.run(*(odd if word == "ODD" else word for word in command))
        assert ended.code in CODES | {ConfigurationError.exit_code}, ended
        for line in (ended.output + ended.complaint).splitlines():
            assert line.isprintable(), ended
            assert "Traceback" not in line
    assert {path for path in node.directory.rglob("*") if path.name != "log"} == before
    assert not Path("/etc/passwd.lock").exists()
