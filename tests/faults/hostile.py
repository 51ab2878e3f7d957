"""A server that speaks Redis' protocol as it likes: it lies, floods, breaks off.

It knows the layout of the arguments of `beat.lua`, as its top documents it, and nothing of the agent.
"""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from hiredis import Reader

from leader.protocol.record import LARGEST_TERM
from tests.fuzz import replies
from tests.fuzz.replies import packed

CHUNK = 65_536
FIRST_CALL, CALL_LENGTH, BEFORE_ARGUMENTS = 9, 8, 3
POLITENESS = 0.2
EVIL = "\x1b[2J\x1b]0;owned\x07evil\n"

Command = list[str]
Answer = Callable[[Command, Random], Iterator[bytes]]


class Hostile:
    """One such server; `answer` is how it answers from now on."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self.answer: Answer = lies
        self.commands = 0
        self._agents: set[socket.socket] = set()
        self.sent_bytes = 0
        hostile = self

        class Handler(socketserver.BaseRequestHandler):
            """One connection of an agent."""

            def handle(self) -> None:
                """Answer until either side has had enough."""
                with suppress(OSError):
                    hostile.talk(self.request)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            """A thread for each connection."""

            daemon_threads = True

        self.server = Server(str(path), Handler)

    def turn_to(self, answer: Answer) -> None:
        """Answer like that from now on, on connections that are made anew."""
        self.answer = answer
        for agent in tuple(self._agents):
            with suppress(OSError):
                agent.shutdown(socket.SHUT_RDWR)

    def talk(self, agent: socket.socket) -> None:
        """Answer each command as it is answered now."""
        self._agents.add(agent)
        try:
            self._talk(agent)
        finally:
            self._agents.discard(agent)

    def _talk(self, agent: socket.socket) -> None:
        reader, random = Reader(encoding="utf-8", errors="replace"), Random(self.commands)
        while data := agent.recv(CHUNK):
            reader.feed(data)
            while (command := reader.gets()) is not False:
                self.commands += 1
                answer = self.answer
                for part in answer(command, random):
                    agent.sendall(part)
                    self.sent_bytes += len(part)
                    if self.answer is not answer:
                        return


@contextmanager
def hostile_server(path: Path) -> Iterator[Hostile]:
    """One that runs meanwhile."""
    hostile = Hostile(path)
    thread = threading.Thread(
        target=hostile.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield hostile
    finally:
        hostile.turn_to(silence)
        hostile.server.shutdown()
        hostile.server.server_close()
        thread.join()


def endless(part: bytes) -> Iterator[bytes]:
    """The same for ever, in large pieces."""
    piece = part * max(1, CHUNK // len(part))
    while True:
        yield piece


def polite(command: Command) -> bytes | None:
    """What a good server says to all but scripts; None to those."""
    match command:
        case ["EVALSHA", _, keys, *_] if keys != "0":
            return None
        case ["INFO", *_]:
            return packed(f"# Server\r\nredis_version:7{EVIL}\r\n")
        case ["SUBSCRIBE", *channels]:
            return b"".join(packed(["subscribe", channel, n + 1]) for n, channel in enumerate(channels))
        case _:
            return b"+OK\r\n"


# What it may do.


def silence(_command: Command, _random: Random) -> Iterator[bytes]:
    """Nothing at all."""
    yield from ()


def lies(command: Command, _random: Random) -> Iterator[bytes]:
    """Everything is granted to whoever asks, and all else is as odd as it can be while it can be read."""
    said = polite(command)
    yield packed(_granted(command)) if said is None else said


def _granted(command: Command) -> object:
    keys = int(command[2])
    arguments = command[BEFORE_ARGUMENTS + keys :]
    answers: list[object] = []
    for at in range(FIRST_CALL, len(arguments), CALL_LENGTH):
        kind, _, nonce, _, _, holder, lease_ms, _ = arguments[at : at + CALL_LENGTH]
        verdict = "observed" if kind == "observe" else "granted"
        term = holder.rpartition(":")[2] or str(LARGEST_TERM - 1)
        record = [
            "1",
            "liar:liar",
            "1",
            nonce,
            "held",
            term,
            holder or f"evil:evil:{term}",
            lease_ms or "1",
            "",
        ]
        answers.append([verdict, *record])
    return [
        "1",
        "ok",
        "liar:liar",
        "1",
        [],
        [[EVIL, "0", "{}"], ["evil", "0", replies.registration(Random(1))]],
        answers,
    ]


def a_term_out_of_reach(command: Command, _random: Random) -> Iterator[bytes]:
    """Each record shows the largest term that there is."""
    said = polite(command)
    if said is not None:
        yield said
        return
    reply = _granted(command)
    assert isinstance(reply, list)
    for answer in reply[-1]:
        answer[0], answer[6], answer[7] = "observed", str(LARGEST_TERM), f"evil:evil:{LARGEST_TERM}"
    yield packed(reply)


def huge_text(command: Command, _random: Random) -> Iterator[bytes]:
    """Each answer of a script is a text without end."""
    if (said := polite(command)) is not None:
        yield said
        return
    yield from endless(b"x")


def huge_bulk(command: Command, _random: Random) -> Iterator[bytes]:
    """A text of half a gigabyte, announced and sent."""
    if (said := polite(command)) is not None:
        yield said
        return
    yield b"$536870912\r\n"
    yield from endless(b"x")


def huge_array(command: Command, _random: Random) -> Iterator[bytes]:
    """An array of a thousand million, announced and filled."""
    if (said := polite(command)) is not None:
        yield said
        return
    yield b"*1000000000\r\n"
    yield from endless(b"*0\r\n")


def pushes(command: Command, _random: Random) -> Iterator[bytes]:
    """Pushes without end in the place of each answer."""
    if (said := polite(command)) is not None:
        yield said
        return
    yield from endless(b">2\r\n+message\r\n+x\r\n")


def publishes(command: Command, random: Random) -> Iterator[bytes]:
    """It lies about all else, and publishes without end: what can be read, and what cannot."""
    yield from lies(command, random)
    if command[0] != "SUBSCRIBE":
        return
    records, runs = command[1], command[2]
    while True:
        run = ["report", random.randbytes(8).hex(), *replies.RUN[2:]]
        record = ["default", *replies.RECORD[:2], str(random.getrandbits(40)), *replies.RECORD[3:]]
        good = [["message", runs, json.dumps(run)], ["message", records, json.dumps(record)]]
        odd = ["message", records, json.dumps(replies.message(random))]
        yield b"".join(packed(words) for words in (*good, odd))


def comes_and_goes(command: Command, random: Random) -> Iterator[bytes]:
    """One answer is good, the next an error, of another kind each time."""
    if (said := polite(command)) is not None or random.random() < 0.5:
        yield from lies(command, random) if said is None else (said,)
        return
    yield f"-{random.choice(['BUSY', 'LOADING', 'READONLY', 'OOM', 'MOVED x', 'ASK'])} \x1b[31m\r\n".encode()


def noise(command: Command, random: Random) -> Iterator[bytes]:
    """Whatever comes out of a seed."""
    value = random.choice([replies.beat, replies.ticks, replies.message])(random)
    yield (
        replies.on_the_wire(random, value)
        if random.random() < 0.8
        else polite(command) or random.randbytes(50)
    )


DEEDS: tuple[Answer, ...] = (
    lies,
    a_term_out_of_reach,
    huge_text,
    huge_bulk,
    huge_array,
    pushes,
    publishes,
    comes_and_goes,
    noise,
    silence,
)
