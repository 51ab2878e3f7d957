"""What the parts say when the system or an agent fails them: the whole sentence, in-process.

What commands say stands in `tests/integration/test_sentences.py`; most tests of messages stand beside what
those are about.
"""

import asyncio
import errno
import fcntl
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, cast

import pytest

from leader.agent.agent import Agent
from leader.agent.annals import Annals
from leader.agent.hooks import Hooks, Occasion
from leader.agent.service import Held, Places, Service, _told
from leader.agent.store import TermStore, make_directory
from leader.api.client import Client
from leader.api.once import milliseconds
from leader.api.remote import Door
from leader.api.token import token
from leader.claims import is_ours
from leader.clock import now_ns
from leader.config.model import Config, ElectionConfig
from leader.demo import chapters
from leader.demo.stage import Failed, Lead, Stage
from leader.demo.tally import Tally
from leader.errors import (
    AgentUnreachable,
    ConfigurationError,
    InstanceError,
    Refused,
    TermNotSaved,
    Undecided,
    UsageError,
)
from leader.guard import Guard
from leader.instances import dev, embedded
from leader.instances.dev import join_dev_quorum
from leader.instances.embedded import EmbeddedQuorum
from leader.instances.program import PROGRAM_VARIABLE
from leader.jobs import fence
from leader.jobs.term_file import TermFile
from leader.lock import Lock
from tests.support.impostor import answering
from tests.unit.api import handmade


@contextmanager
def saying(kind: type[Exception], sentence: str) -> Iterator[None]:
    """What is done meanwhile ends in this error, with exactly this sentence."""
    with pytest.raises(kind) as raised:
        yield
    assert str(raised.value) == sentence


def no_locks(*_: object) -> NoReturn:
    """As on a network file system without a lock daemon."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def no_processes(*_: object) -> NoReturn:
    """As at the limit of processes."""
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


# Files.


def test_a_lock_that_cannot_be_had_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not opened, or on a file system without locks."""
    with saying(
        Refused,
        f"the lock {tmp_path}/none/x.lock cannot be opened: No such file or directory; "
        "run the agent as the user that owns the directory, or name another directory",
    ):
        Lock(tmp_path / "none" / "x")
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with saying(Refused, f"{tmp_path}/lock cannot be locked: No locks available; use a local directory"):
        Lock(tmp_path)


def test_a_file_of_terms_that_cannot_be_locked_or_kept_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a file system without locks; and where no process can be started."""
    path = tmp_path / "term"
    file = TermFile(str(path), 0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fork", no_processes)
        with saying(
            Refused,
            f"no process can be started to keep the lock on {path}: raise the limit of processes",
        ):
            fence.keep(file)
    os.close(file.descriptor)
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with saying(
        Refused, f"{path} cannot be locked: No locks available; name a file on a file system with locks"
    ):
        TermFile(str(path), 0)


def test_directories_and_terms_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    """A file stands in the way, or a directory."""
    (tmp_path / "file").touch()
    with saying(
        ConfigurationError,
        f"the directory {tmp_path}/file/below cannot be made (Not a directory): make it, or choose "
        "another one",
    ):
        make_directory(tmp_path / "file" / "below", 0o755)
    (tmp_path / "terms.new").mkdir()
    with saying(
        TermNotSaved,
        f"{tmp_path}/terms.json cannot be written (Is a directory), so this node claims no "
        "leadership: make room or make it writable",
    ):
        TermStore(tmp_path, "c").save("default", 42)


def test_a_history_that_cannot_be_kept_is_told_once(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Until it can be kept again."""
    annals = Annals(tmp_path / "gone")
    for _ in range(2):
        annals.add({"line": "x"})
        annals.close()
    (told,) = caplog.messages
    file = tmp_path / "gone" / "history.jsonl"
    assert told == (
        f"the history in {file} cannot be kept (No such file or directory): make room, or make it writable"
    )


# The agent.


async def test_a_hook_that_fails_or_cannot_be_started_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """With its exit code; a command line may be longer than the kernel takes."""
    long = "true " + "x" * 200_000
    hooks = Hooks({"e": ElectionConfig("e", on_lost=("exit 3", long))}, {})
    running = asyncio.create_task(hooks.run())
    with caplog.at_level(logging.WARNING):
        hooks.happened("e", Occasion("lost", 7, "why"))
        await hooks.ended()
    running.cancel()
    assert caplog.messages == [
        "the hook exit 3 ended with 3",
        f"the hook {long} cannot be started (Argument list too long)",
    ]


def test_an_agent_that_broke_says_where_and_that_it_may_be_started_again() -> None:
    """What nobody foresaw is one sentence; what was foreseen keeps its own."""
    try:
        raise RuntimeError("no way")  # noqa: TRY301 - it needs a place
    except RuntimeError as error:
        told = _told(BaseExceptionGroup("", [error]))
    line = told.args[0].split(" ")[4].partition(":")[2]
    assert str(told) == (
        f"the agent broke at test_sentences.py:{line} (RuntimeError: no way): start it again, it resumes "
        "what it held; please report this line"
    )
    own = ConfigurationError("own")
    assert _told(BaseExceptionGroup("", [BaseExceptionGroup("", [own])])) is own


def test_a_development_agent_does_not_reload(caplog: pytest.LogCaptureFixture) -> None:
    """SIGHUP is told, and changes nothing."""
    service = Service(cast(Config, None), cast(Places, None), lambda _: [], reload=None)
    service._restart(cast(Agent, None), cast(Held, None))
    assert caplog.messages == ["a development agent does not reload: stop and start it"]


def test_a_tcp_address_that_cannot_be_had_is_told() -> None:
    """Taken, or none of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with saying(
            ConfigurationError,
            f"the agent cannot listen at {address} (Address already in use): set [api] listen to an "
            "address of this machine whose port is free",
        ):
            Door.opened(address)


# Whoever asks the agent.


def test_an_answer_that_is_too_old_is_none(tmp_path: Path) -> None:
    """The lease that it tells of is over when it comes."""
    source = handmade.HandmadeSource(remaining_ms=0)
    with handmade.thread(tmp_path / "s", source):
        with saying(
            AgentUnreachable, "the answer is too old: the lease it tells of may have ended; ask again"
        ):
            Client(tmp_path / "s").leadership()


def test_an_agent_without_room_for_one_more_listener_says_so(tmp_path: Path) -> None:
    """An agent that has no stream to give."""
    with answering(tmp_path / "s", b'HTTP/1.1 503 -\r\nContent-Length: 16\r\n\r\n{"error": "why"}'):
        with saying(AgentUnreachable, "the agent does not tell its changes: why"):
            next(Client(tmp_path / "s").events())


def test_a_guard_whose_agent_is_gone_says_so(tmp_path: Path) -> None:
    """What the agent knew of the job is gone, too."""
    about = b'{"cluster": "c", "node": "a", "lease_ms": 2000}\n'
    with answering(tmp_path / "s", b"HTTP/1.1 200 OK\r\n\r\n" + about):
        guard = Guard(str(tmp_path / "s"), "default", now_ns() + 10**10)
        with saying(AgentUnreachable, "the agent closed the connection: see its log"):
            while not guard.must_end():
                pass
        guard.close()


def test_a_claim_that_was_not_explained_is_told_all_the_same() -> None:
    """An agent of another version may leave the sentence out."""
    with saying(Undecided, "nothing could be decided: see the log of the agent"):
        is_ours({"leader-claim": "expired"})


def test_what_a_program_asks_wrongly_is_told() -> None:
    """A time below zero; the term of another election."""
    with saying(UsageError, "gap is -1: say seconds, 0 or more"):
        milliseconds(-1, "gap")
    with saying(
        UsageError,
        "LEADER_TERM is the term of 'a' and not of 'b': leave out the election, or give the term",
    ):
        token({"LEADER_ELECTION": "a", "LEADER_TERM": "7"}, "b")


# The quorums that are made here.


def test_a_directory_that_is_no_place_for_a_development_quorum_says_so(tmp_path: Path) -> None:
    """A file stands there; or the path is too long for a socket."""
    (tmp_path / "file").touch()
    with saying(
        InstanceError,
        f"the directory {tmp_path}/file of the --dev quorum cannot be used (File exists); remove it, or set "
        "LEADER_RUNTIME_DIR to another",
    ):
        join_dev_quorum(tmp_path / "file")
    long = tmp_path / ("x" * 100)
    with saying(
        InstanceError, f"no socket can be made in {long} (AF_UNIX path too long); choose a shorter path"
    ):
        join_dev_quorum(long)


def hang_up(connection: socket.socket) -> None:
    """Close at once."""
    connection.close()


def hold_on(connection: socket.socket) -> None:
    """Say nothing until the other side goes."""
    connection.recv(1)
    connection.close()


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (hang_up, "the --dev quorum in {} did not start: it left no word"),
        (hold_on, "the --dev quorum in {} does not answer; end it and try again"),
    ],
)
def test_a_development_quorum_that_does_not_answer_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, does: Callable[[socket.socket], None], said: str
) -> None:
    """Its supervisor has ended without a word, or hangs."""
    monkeypatch.setattr(dev, "_ANSWER_WITHIN_S", 0.2)
    with answering(tmp_path / dev._SOCKET_NAME, does), saying(InstanceError, said.format(tmp_path)):
        join_dev_quorum(tmp_path)


def test_a_supervisor_that_cannot_be_reached_says_where_its_log_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It ended before anybody could ask."""
    monkeypatch.setattr(dev, "_connect", lambda _: None)
    with saying(
        InstanceError, f"the --dev quorum in {tmp_path} does not start; see {tmp_path}/supervisor.log"
    ):
        join_dev_quorum(tmp_path)


def test_a_server_that_does_not_answer_says_where_its_log_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A program that starts, and is no server."""
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv(PROGRAM_VARIABLE, str(program))
    monkeypatch.setattr(embedded, "_START_WITHIN_NS", 100_000_000)
    with pytest.raises(InstanceError, match=r"^a server does not answer; see its log .*log$"):
        with EmbeddedQuorum(tmp_path / "q", 1):
            pass


# The demo, which checks what it shows.


class Play:
    """A stage on which these nodes say that they lead, and where jobs run whoever leads."""

    def __init__(self, *leads: Lead) -> None:
        self.leads = leads
        self.crontab = self
        self.started, self.finished = 3, 5

    def wait_for_leader(self) -> Lead:
        return Lead("a", 7)

    def kill_instance(self, name: str) -> None:
        """Nothing happens."""

    def tell(self, sentence: str) -> None:
        """To nobody."""

    def until(self, what: str, condition: Callable[[], bool], *_: object, **__: object) -> None:
        assert condition(), what

    def pass_time(self, milliseconds: int, meanwhile: Callable[[], None]) -> None:
        assert milliseconds
        meanwhile()

    def tally(self) -> Tally:
        tally = Tally()
        tally.add(["a 3", "a 4"])
        return tally

    def _leads(self, _among: object) -> list[Lead]:
        return list(self.leads)

    def leader(self, among: object = ()) -> Lead | None:
        """As on the real one."""
        return Stage.leader(cast(Stage, self), cast(list[str], among))


def test_the_demo_ends_if_two_nodes_lead_or_one_that_must_not() -> None:
    """What it promises is checked all the time."""
    with saying(Failed, "two nodes lead at once: a and b"):
        Play(Lead("a", 7), Lead("b", 8)).leader()
    with saying(Failed, "a leads without a majority"):
        chapters.nobody_leads(cast(Stage, Play(Lead("a", 7))))
    with saying(Failed, "2 jobs ran while nobody led"):
        chapters.majority_gone(cast(Stage, Play()))
