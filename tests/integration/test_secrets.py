"""No password shows anywhere, wherever it was given: a word that stands in all of them is looked for.

Real agents, with each way to give a password, whose instances refuse them, go away and come back, and whose
configuration is broken meanwhile; then all that was printed, logged, answered, written or handed to children.
"""

import asyncio
import contextlib
import gc
import os
import signal
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import redis

from leader.api.unix import UnixConnection
from leader.cli.main import main
from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from leader.instances.endpoint import Credentials
from leader.instances.problems import Ineligible
from tests.integration.instances_on_servers import hand_on
from tests.support.agents import Cluster, Node, Settings, quorum_of, short_directory
from tests.support.polling import NS_PER_S, until

WORD = "kanarienvogel"
IN_URL, IN_VARIABLE, IN_FILE, IN_CREDENTIAL = (f"{WORD}/@:{number}#%" for number in range(4))
PASSWORDS = (IN_URL, IN_VARIABLE, IN_FILE, IN_CREDENTIAL)
DISGUISED = "".join(f"%{ord(letter):02x}" for letter in WORD)
GIVEN = ("leader.toml", "password", "leader.password")
"""The files that have to hold a password."""

DUMP = "tr '\\\\0' '\\\\n' </proc/$$/environ >{0}.environ; tr '\\\\0' ' ' </proc/$$/cmdline >{0}.cmdline"
BROKEN = f"""
cluster = "test"
password = "{IN_FILE}"
[quorum]
pasword = "{IN_FILE}"
instances = ["redis://default:{WORD}", "redis://h?password={WORD}", "rdis://:{WORD}@h"]
"""
IN_TROUBLE = (
    *("config check", "config show", "quorum", "doctor", "status", "status default", "status --json"),
    *("history --json", "jobs --json", "health", "is-leader", "--help", "agent --help"),
)
WHEN_BROKEN = ("config check", "config show", "quorum", "doctor --json", "agent")
ROUTES = ("/metrics", "/v1/status", "/v1/history", "/v1/jobs", "/v1/elections/default", "/readyz", "/leader")


def guard(quorum: EmbeddedQuorum, index: int) -> None:
    """Let a server ask for a password, and take any of ours."""
    assert quorum.ask(index, "ACL", "SETUSER", "root", "on", "nopass", "+@all") == b"+OK\r\n"
    let_in(quorum, index, *PASSWORDS)


def let_in(quorum: EmbeddedQuorum, index: int, *passwords: str) -> None:
    """Let a server take these passwords and no others, of whoever is connected, too."""
    path = quorum.urls[index].removeprefix("unix://")
    with redis.Redis(unix_socket_path=path, username="root", password="any") as client:
        client.execute_command("ACL", "SETUSER", "default", "resetpass", *(f">{each}" for each in passwords))
        client.client_kill_filter(user="default")


def disguised(text: str) -> str:
    """The text as it may stand in a URL, every letter of it escaped."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


def with_password(urls: list[str], escaped: str) -> list[str]:
    """The URLs, the first ones with a password, as it is written there."""
    return [*(url.replace("unix://", f"unix://:{escaped}@") for url in urls[:-1]), urls[-1]]


@contextlib.contextmanager
def nodes(quorum: EmbeddedQuorum) -> Iterator[Cluster]:
    """Three nodes: passwords in URLs of the file, in variables, and from files; each logs in another way."""
    with short_directory() as directory:
        more = (
            f'on_gained = ["{DUMP.format(directory / "$LEADER_NODE.hook")}"]\n[fitness]\ninterval = "500ms"\n'
            f'command = ["/bin/sh", "-c", "{DUMP.format(directory / "$LEADER_NODE.fit")}"]'
        )
        settings = Settings(quorum.urls, elections={"default": 100}, more=more)
        cluster = Cluster(directory, settings, "abc", quorum)
        a, b, c = cluster.nodes.values()
        urls = with_password(quorum.urls, quote(IN_URL, safe=""))
        a.configure(replace(settings, urls=urls))
        a.environment["LEADER_PASSWORD_FILE"] = secret_file(a.directory / "password", IN_FILE)
        b.environment["LEADER_QUORUM"] = " ".join(with_password(quorum.urls, disguised(IN_VARIABLE)))
        b.environment["LEADER_PASSWORD_FILE"] = secret_file(b.directory / "password", IN_FILE)
        b.environment |= {"PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1", "LEADER_TRACEBACK": "1"}
        secret_file(c.directory / "leader.password", IN_CREDENTIAL)
        c.environment["CREDENTIALS_DIRECTORY"] = str(c.directory)
        try:
            for node, style in ((a, "text"), (b, "text"), (c, "json")):
                node.start("--log", style)
            yield cluster
        finally:
            cluster.__exit__()


def secret_file(path: Path, password: str) -> str:
    """A file with a password, for everybody to read, so that a warning is due."""
    path.write_text(password)
    path.chmod(0o644)
    return str(path)


def test_no_password_shows_anywhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the log, in what commands and the API say, in files, and in what processes can be seen with."""
    with quorum_of(5) as quorum:
        for index in range(5):
            guard(quorum, index)
        with nodes(quorum) as cluster:
            cluster.wait_for_leader()
            until(lambda: all(map(sees_all, cluster.nodes.values())), "each logs in everywhere")
            spoil(cluster, quorum)
            said = what_is_said(cluster, capsys, monkeypatch, IN_TROUBLE)
            break_configurations(cluster)
            said |= what_is_said(cluster, capsys, monkeypatch, WHEN_BROKEN)
            mend(cluster, quorum)
            said |= what_is_said(cluster, capsys, monkeypatch, ())
            cluster.nodes["b"].signal(signal.SIGABRT)
            cluster.nodes["b"].wait()
            said |= what_is_written(cluster.directory)
    assert "most recent call first" in said["b/log"]
    assert any("every user can read" in text for text in said.values())
    assert {f"{node}.fit.{kind}" for node in "abc" for kind in ("environ", "cmdline")} <= said.keys()
    assert any(where.endswith(".hook.environ") for where in said)
    shown = {where for where, text in said.items() if WORD in text or DISGUISED in text.lower()}
    assert not shown, {where: said[where] for where in shown}


def sees_all(node: Node) -> bool:
    """Whether nothing is wrong with any instance."""
    return not any(node.problems().values())


def spoil(cluster: Cluster, quorum: EmbeddedQuorum) -> None:
    """One server refuses all passwords, one is gone."""
    let_in(quorum, 0, "another")
    quorum.kill(1)
    for node in cluster.nodes.values():
        until(lambda node=node: sum(map(bool, node.problems().values())) == 2, "both are noticed")  # type: ignore[misc]


def break_configurations(cluster: Cluster) -> None:
    """A reload is refused then."""
    for node in cluster.nodes.values():
        node.config.write_text(BROKEN)
        node.signal(signal.SIGHUP)
        until(lambda node=node: "not reloaded" in node.log(), "the reload is refused")  # type: ignore[misc]


def mend(cluster: Cluster, quorum: EmbeddedQuorum) -> None:
    """Put all of it right, and reload."""
    let_in(quorum, 0, *PASSWORDS)
    quorum.restart(1, keep_data=False)
    guard(quorum, 1)
    for node in cluster.nodes.values():
        node.configure(node.settings)
        node.signal(signal.SIGHUP)
        until(lambda node=node: "agent re-executes" in node.log() and sees_all(node), "it reloads")  # type: ignore[misc]


def what_is_said(
    cluster: Cluster,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    commands: Sequence[str],
) -> dict[str, str]:
    """By place: what commands and the API say on each node, and what can be seen of its processes."""
    said = {}
    for node in cluster.nodes.values():
        with monkeypatch.context() as patch:
            for variable, value in (node.places() | node.environment).items():
                patch.setenv(variable, value)
            patch.setenv("LEADER_CONFIG", str(node.config))
            for words in commands:
                main(words.split())
                said[f"{node}: leader {words} {len(commands)}"] = "".join(capsys.readouterr())
        seen = {route: body(node, route) for route in ROUTES} | processes(node.pid)
        said |= {f"{node}: {where} {len(commands)}": text for where, text in seen.items()}
    return said


def body(node: Node, route: str) -> str:
    """The API's answer, as text."""
    connection = UnixConnection(str(node.socket), now_ns() + 10 * NS_PER_S)
    with contextlib.closing(connection):
        connection.request("GET", route)
        return connection.getresponse().read().decode()


def processes(agent: int) -> dict[str, str]:
    """The words of an agent and of all its children; of those their environment, too."""
    found = {"ps of the agent": " ".join(psutil.Process(agent).cmdline())}
    for child in psutil.Process(agent).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found[f"ps of its child {child.pid}"] = f"{child.cmdline()} {child.environ()}"
    return found


def what_is_written(directory: Path) -> dict[str, str]:
    """By path: all files but those that have to hold a password."""
    files = [
        Path(folder, name) for folder, _, names in os.walk(directory) for name in names if name not in GIVEN
    ]
    return {
        str(file.relative_to(directory)): file.read_text(errors="replace") for file in files if file.is_file()
    }


async def test_nothing_that_python_prints_of_a_connection_has_the_password() -> None:
    """Of no object of ours or of the client's that lives meanwhile, no task, no error with all its causes."""
    with quorum_of(1) as quorum:
        guard(quorum, 0)
        url = f"{quorum.urls[0]}?db=1"
        good = url.replace("unix://", f"unix://:{disguised(IN_URL)}@")
        async with hand_on(good) as hand, hand_on(url, credentials=Credentials("u", IN_FILE)) as refused:
            await hand.send()
            listening = asyncio.create_task(hand.instance.listen(lambda _notice: None))
            with pytest.raises(Ineligible) as error:
                await refused.send()
            printed = traceback.format_exception(error.value)
            printed += [repr(task) for task in asyncio.all_tasks()]
            ours = [
                each for each in gc.get_objects() if type(each).__module__.startswith(("leader.", "redis."))
            ]
            printed += [repr(each) for each in ours]
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
    assert {"Link", "Instance", "Endpoint", "Credentials"} <= {type(each).__name__ for each in ours}
    assert not [text for text in printed if WORD in text or DISGUISED in text.lower()]
