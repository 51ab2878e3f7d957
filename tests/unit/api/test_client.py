"""A program asks the agent: typed answers, bounded waits, errors that say what to do."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import leader
from leader.api.client import Client
from leader.errors import AgentUnreachable, ConfigurationError, UnknownElection
from leader.protocol.snapshot import Leadership
from tests.unit.api.handmade import process


@contextmanager
def saying(path: Path, answer: bytes) -> Iterator[None]:
    """Something at that path that says the same to one client, and closes."""

    def serve() -> None:
        client, _ = listening.accept()
        with client:
            client.recv(65536)
            client.sendall(answer)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_a_leader_is_told_so_with_what_is_left(path: Path) -> None:
    """The time since the question is already off."""
    with process(path):
        client = Client(path)
        leadership = client.leadership("reports")
        assert (leadership.leader, leadership.term, leadership.node) == (True, 4610, "web-1")
        assert 7000 < leadership.remaining_ms <= 8000
        assert client.is_leader()


def test_who_does_not_lead_is_told_who_does(path: Path) -> None:
    """A no is an answer and no error."""
    with process(path, leads=False):
        assert Client(path).leadership() == Leadership("default", "web-1", False, 4610, "web-2", 0)


def test_status_and_one_election_are_what_the_commands_show(path: Path) -> None:
    """As dictionaries, so that a newer agent may say more."""
    with process(path):
        assert Client(path).status()["cluster"] == "prod"
        assert Client(path).election("reports")["role"] == "holder"


def test_an_unknown_election_names_those_that_exist(path: Path) -> None:
    """Exit code 2, whatever characters the name has."""
    with process(path):
        for name in ("nope", "a/b c", "ü"):
            for ask in (Client(path).leadership, Client(path).election, Client(path).wait):
                with pytest.raises(UnknownElection, match="there is: default, reports"):
                    ask(name)


def test_an_answer_that_is_too_old_is_no_answer(path: Path) -> None:
    """Nothing left of the lease by the time the answer is here: unknown, not yes (rule R6)."""
    with process(path, remaining_ms=0), pytest.raises(AgentUnreachable, match="too old"):
        Client(path).is_leader()


def test_no_agent_is_a_sentence_and_not_a_no(path: Path) -> None:
    """Exit code 3."""
    with pytest.raises(AgentUnreachable, match="start `leader agent`") as caught:
        Client(path).is_leader()
    assert caught.value.exit_code == 3


def test_a_stopped_agent_ends_the_question_in_time(path: Path) -> None:
    """SIGSTOP leaves the socket open and silent."""
    with process(path) as agent:
        agent.send_signal(signal.SIGSTOP)
        with pytest.raises(AgentUnreachable, match="in time"):
            Client(path, timeout=0.2).status()
        agent.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xff\xff\xff",
        b'HTTP/1.1 503 Busy\r\nContent-Length: 16\r\n\r\n{"error": "full"}',
    ],
)
def test_what_is_no_answer_of_an_agent_is_never_taken_for_one(path: Path, answer: bytes) -> None:
    """Cut off, another program, another document: unknown."""
    with saying(path, answer), pytest.raises(AgentUnreachable):
        Client(path).is_leader()


def test_events_are_told_as_they_happen_until_the_agent_ends(path: Path) -> None:
    """Longer than the time-out of a question, if need be."""
    with process(path) as agent:
        events = Client(path, timeout=5).events()
        assert next(events)["event"] == "snapshot"
        agent.terminate()
        assert [event["event"] for event in events] == ["ended"]


def test_following_without_an_agent_is_an_error(path: Path) -> None:
    """At the first line."""
    with pytest.raises(AgentUnreachable):
        next(Client(path).events())


def test_wait_ends_as_soon_as_this_node_leads_though_the_agent_came_later(path: Path) -> None:
    """It keeps trying while the agent is down."""
    command = [
        sys.executable,
        "-c",
        f"from leader.api.client import Client; print(Client({str(path)!r}).wait())",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting, process(path):
        said, _ = waiting.communicate(timeout=30)
    assert "leader=True" in said


def test_wait_for_any_node_is_content_with_another_holder(path: Path) -> None:
    """`leader wait --any`."""
    with process(path, leads=False):
        leadership = Client(path).wait(any_node=True, timeout=5)
        assert leadership is not None
        assert leadership.holder == "web-2"


def test_wait_tells_a_no_from_silence(path: Path) -> None:
    """None when somebody else led all the time, an error when no answer ever came."""
    with process(path, leads=False):
        assert Client(path).wait(timeout=0.3) is None
    with pytest.raises(AgentUnreachable):
        Client(path).wait(timeout=0.3)


def test_a_path_that_is_too_long_is_one_sentence(tmp_path: Path) -> None:
    """Before anybody is asked."""
    with pytest.raises(ConfigurationError, match="107"):
        Client(tmp_path / ("x" * 108))


def test_the_library_asks_where_the_command_asks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`leader.is_leader()` in a program, `LEADER_SOCKET` in its environment."""
    monkeypatch.setenv("LEADER_SOCKET", str(path))
    with process(path):
        assert leader.is_leader()
