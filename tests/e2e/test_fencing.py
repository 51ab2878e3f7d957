"""The examples of fencing, as a user runs them, on real servers: a leader of yesterday changes nothing."""

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import PROJECT, Ended, Node, Settings, quorum_of, short_directory, term_of
from tests.support.fences import environment
from tests.support.lone import lone
from tests.support.objects import Objects, objects
from tests.support.polling import PATIENCE_S, until
from tests.support.postgres import postgres

pytestmark = [
    pytest.mark.xdist_group("fencing"),
    pytest.mark.needs("initdb", "postgres", "psql", "redis-cli", "setpriv"),
]
EXAMPLES = PROJECT / "examples" / "fencing"
KINDS = ["postgres", "redis", "s3", "file"]


@dataclass(frozen=True)
class Target:
    """What one example writes: how it is called, what its clients need, how its value is read back."""

    script: Path
    name: str
    environment: dict[str, str]
    value: Callable[[], str]

    def write(self, term: int | None, value: str) -> Ended:
        """Run the example."""
        done = subprocess.run(
            [str(self.script), self.name, value],
            env=environment(term) | self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


Make = Callable[[str], Target]


class Servers:
    """The servers behind the examples, each started when it is first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._makers: dict[str, Make] = {}
        self.directory = stack.enter_context(short_directory())
        program = self.directory / "leader"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m leader "$@"\n')
        program.chmod(0o755)

    def target(self, kind: str, name: str) -> Target:
        """A target that nothing has been written to, if the name is new."""
        if kind not in self._makers:
            self._makers[kind] = getattr(self, f"_{kind}")()
        return self._makers[kind](name)

    def _postgres(self) -> Make:
        server = self._stack.enter_context(postgres())
        server.ask("-f", str(EXAMPLES / "postgres-table.sql"))

        def make(name: str) -> Target:
            server.ask("-c", f"INSERT INTO report VALUES ('{name}', '', 0)")  # noqa: S608 - names of tests
            value = f"SELECT value FROM report WHERE name = '{name}'"  # noqa: S608 - the same
            return Target(EXAMPLES / "postgres.sh", name, server.environment, lambda: server.ask("-c", value))

        return make

    def _redis(self) -> Make:
        server: EmbeddedQuorum = self._stack.enter_context(quorum_of(1, transport="tcp"))

        def make(name: str) -> Target:
            def value() -> str:
                return server.ask(0, "HGET", name, "value").decode().split("\r\n")[1]

            return Target(EXAMPLES / "redis.sh", name, {"REDIS_URL": server.urls[0]}, value)

        return make

    def _s3(self) -> Make:
        store = self._stack.enter_context(objects())
        return lambda name: of_store(store, name)

    def _file(self) -> Make:
        path = f"{self.directory}:{os.environ['PATH']}"

        def make(name: str) -> Target:
            file = self.directory / name
            return Target(EXAMPLES / "file.sh", str(file), {"PATH": path}, lambda: file.read_text().strip())

        return make


def of_store(store: Objects, name: str) -> Target:
    """An object of that store."""

    def value() -> str:
        return str(json.loads(store.content[f"/bucket/{name}"])["value"])

    python = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return Target(EXAMPLES / "s3.py", f"{store.url}/bucket/{name}", {"PATH": python}, value)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """The servers of this file."""
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.mark.parametrize("kind", KINDS)
def test_a_term_writes_and_writes_again_until_a_higher_one_has_written(servers: Servers, kind: str) -> None:
    """Then it changes nothing and ends with 1 and a sentence that names both terms."""
    target = servers.target(kind, "sequence")
    for term, value in ((41, "first"), (41, 'it\'s "again" $1'), (9_007_199_254_740_000, "later")):
        assert target.write(term, value) == Ended(0, "")
        assert target.value() == value
    done = target.write(9_007_199_254_739_999, "stale")
    assert (done.code, done.output) == (1, "")
    assert done.complaint.count("\n") == 1
    assert "9007199254740000" in done.complaint
    assert "9007199254739999" in done.complaint
    assert target.value() == "later"


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_term_nothing_is_written(servers: Servers, kind: str) -> None:
    """Whoever forgets `leader run` is told."""
    target = servers.target(kind, "no-term")
    assert target.write(1, "there").code == 0
    done = target.write(None, "unfenced")
    assert done.code != 0
    assert "LEADER_TERM" in done.complaint
    assert "leader run" in done.complaint
    assert target.value() == "there"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", KINDS)
def test_racing_writers_of_many_terms_leave_the_highest(servers: Servers, kind: str) -> None:
    """Whatever the order; who was refused had a lower term than another, and the highest is never refused."""
    target = servers.target(kind, "race")
    terms = random.Random(kind).sample(range(1, 1000), 30)
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda term: target.write(term, f"by {term}"), terms))
    assert target.value() == f"by {max(terms)}"
    assert {end.code for end in done} <= {0, 1}
    assert done[terms.index(max(terms))].code == 0
    assert all(str(term) in end.complaint for term, end in zip(terms, done, strict=True) if end.code)


@pytest.mark.parametrize("value", ["the same", "another"])
def test_an_object_that_was_written_since_it_was_read_is_read_again(value: str) -> None:
    """A higher term comes in between reading and writing, with the very same bytes or others."""
    with objects() as store:
        target = of_store(store, "object")
        assert target.write(5, "the same").code == 0
        store.before_a_put = lambda: _assert_written(target.write(7, value))
        done = target.write(6, "the same")
        assert (done.code, target.value()) == (1, value)
        assert "was written by term 7, and ours is 6" in done.complaint


def test_an_object_that_appears_or_is_deleted_meanwhile_is_read_again() -> None:
    """Of two that make it, the later term stays; what is gone is made anew."""
    with objects() as store:
        target = of_store(store, "object")
        store.before_a_put = lambda: _assert_written(target.write(7, "seven"))
        assert target.write(6, "six").code == 1
        assert target.value() == "seven"
        store.before_a_put = store.content.clear
        assert target.write(8, "eight").code == 0
        assert target.value() == "eight"


def _assert_written(done: Ended) -> None:
    assert done.code == 0, done


def test_a_store_that_is_down_or_holds_something_else_is_one_sentence() -> None:
    """Nothing is overwritten, and no traceback is shown."""
    with objects() as store:
        target = of_store(store, "object")
        store.content["/bucket/object"] = b"precious"
        done = target.write(6, "six")
    assert done.code == target.write(6, "six").code == 1
    assert store.content["/bucket/object"] == b"precious"
    for end in (done, target.write(6, "six")):
        assert end.complaint.startswith("s3.py: the object could not be written: ")
        assert end.complaint.count("\n") == 1


def example(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_requests_are_signed_as_the_stores_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's own example.

    Source: the S3 API, "Signature Calculations for the Authorization Header", GET Object.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    now = time.strptime("2013-05-24", "%Y-%m-%d")
    url = urlsplit("https://examplebucket.s3.amazonaws.com/test.txt")
    headers = example("s3").signed(url, "GET", {"Range": "bytes=0-9"}, b"", now)
    expected = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert headers["Authorization"].endswith(f"Signature={expected}")


@pytest.fixture(scope="module")
def leader() -> Iterator[Node]:
    """A node that leads."""
    with quorum_of(3) as quorum, lone(Settings(quorum.urls, lease="10s")) as node:
        node.start()
        until(node.leads, "it leads")
        yield node


@pytest.mark.parametrize("kind", KINDS)
def test_under_leader_run_the_term_is_that_of_the_leadership(
    servers: Servers, leader: Node, kind: str
) -> None:
    """As the folder's page has it; afterwards the term before is refused."""
    target = servers.target(kind, "run")
    leader.environment = dict(target.environment)
    done = leader.run("run", "--", str(target.script), target.name, "led")
    assert (done.code, done.complaint) == (0, "")
    assert target.value() == "led"
    assert target.write(term_of(leader) - 1, "stale").code == 1
    assert target.write(term_of(leader), "again").code == 0


def test_a_fence_under_run_gives_back_the_code_and_leaves_nothing(leader: Node, tmp_path: Path) -> None:
    """Its keeper is gone with the command, whatever that did with its descriptors, and says nothing."""
    script = f"import os; os.closerange(3, 1000); open({str(tmp_path / 'ran')!r}, 'w').close(); os._exit(7)"
    words = ["fence", str(tmp_path / "term"), "--", sys.executable, "-c", script]
    done = leader.run("run", "--", sys.executable, "-m", "leader", *words)
    assert done == Ended(7, "")
    assert (tmp_path / "ran").exists()
    assert (tmp_path / "term").read_text() == f"{term_of(leader)}\n"
