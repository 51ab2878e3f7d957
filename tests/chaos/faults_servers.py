"""What can befall a server that runs on: stopped, paused, busy, full, shut, and its wall clock."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from tests.chaos.kinds import Aim, Harm, On, Share, kind
from tests.chaos.servers import Server
from tests.support.polling import until

SPIN = "local i = 0 while true do i = i + 1 end"
BUSY_AFTER_MS = "50"
PAUSES_MS = ("100", "300", "900", "1100", "2000", "3000")
MINUTE_MS = "60000"
CLOCK_STEPS_S = (0.5, 5.0, 60.0, 3600.0, 86400.0)
SKEWS = (-0.09, -0.02, 0.02, 0.09)
"""How much faster than true a wall clock runs."""
SKEW_STEP_S = 0.02


@kind("server stopped", On.SERVER)
def stopped(aim: Aim) -> Iterator[None]:
    """SIGSTOP, shorter or longer than the lease, and SIGCONT: what came meanwhile is then carried out."""
    for server in aim.servers:
        os.kill(server.pid, signal.SIGSTOP)
    yield
    for server in aim.servers:
        os.kill(server.pid, signal.SIGCONT)


@kind("server paused", On.SERVER)
def paused(aim: Aim) -> Iterator[None]:
    """CLIENT PAUSE: what is sent is carried out later; no order can end that, so it ends by itself."""
    for server in aim.servers:
        server.ask("CLIENT", "PAUSE", aim.random.choice(PAUSES_MS))
    yield
    for server in aim.servers:
        until(partial(server.ask, "PING"), f"{server} goes on")


@kind("server's writes paused", On.SERVER)
def writes_paused(aim: Aim) -> Iterator[None]:
    """CLIENT PAUSE of what may write: scripts wait, other commands do not."""
    for server in aim.servers:
        server.ask("CLIENT", "PAUSE", MINUTE_MS, "WRITE")
    yield
    for server in aim.servers:
        server.ask("CLIENT", "UNPAUSE")


@kind("server busy", On.SERVER)
def busy(aim: Aim) -> Iterator[None]:
    """A script of somebody else does not end, until it is killed."""
    with ExitStack() as stack:
        for server in aim.servers:
            server.ask("CONFIG", "SET", "lua-time-limit", BUSY_AFTER_MS)
            stack.enter_context(server.connect()).send("EVAL", SPIN, "0")
        yield
        for server in aim.servers:
            until(partial(has_killed, server), "the script is killed")


def has_killed(server: Server) -> bool:
    """Whether no script runs there any more; what runs is killed."""
    return b"NOTBUSY" in server.ask("SCRIPT", "KILL")


@kind("server out of connections", On.SERVER)
def out_of_connections(aim: Aim) -> Iterator[None]:
    """Whoever connects anew is refused, and all are made to connect anew."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for server in aim.servers]
        for connection in connections:
            connection.ask("CONFIG", "SET", "maxclients", "1")
        for node in aim.lab.nodes.values():
            node.order(at=aim.numbers, cut=True)
        yield
        for connection in connections:
            connection.ask("CONFIG", "SET", "maxclients", "10000")


@kind("server's disk full", On.SERVER)
def disk_full(aim: Aim) -> Iterator[None]:
    """It cannot save, and so takes no writes."""
    for server in aim.servers:
        server.fill_disk()
        server.ask("CONFIG", "SET", "save", "3600 1")
        server.ask("BGSAVE")
        until(partial(cannot_save, server), "it cannot save")
    yield
    for server in aim.servers:
        server.free_disk()
        server.ask("CONFIG", "SET", "save", "")


def cannot_save(server: Server) -> bool:
    """Whether its last attempt has failed."""
    return b"last_bgsave_status:err" in server.ask("INFO", "persistence")


@kind("clock ahead", On.SERVER, Harm.AHEAD, share=Share.ONE, needs_clock=True)
def ahead(aim: Aim) -> Iterator[None]:
    """The wall clock of one server is ahead, by any amount."""
    (server,) = aim.servers
    server.program.clock.set_ahead(aim.random.choice(CLOCK_STEPS_S))
    yield
    server.program.clock.set_ahead(0)


@kind("clocks stepped", On.SERVER, Harm.LIES, needs_clock=True)
def clocks_stepped(aim: Aim) -> Iterator[None]:
    """Wall clocks jump, each its own way, and back."""
    for server in aim.servers:
        server.program.clock.set_ahead(aim.random.choice(CLOCK_STEPS_S) * aim.random.choice((-1, 1)))
    yield
    for server in aim.servers:
        server.program.clock.set_ahead(0)


@kind("clocks skewed", On.SERVER, Harm.LIES, needs_clock=True)
def clocks_skewed(aim: Aim) -> Iterator[None]:
    """Wall clocks run fast or slow, each its own way, and jump back at the end."""
    over = threading.Event()
    rates = [aim.random.choice(SKEWS) for _ in aim.servers]

    def turn() -> None:
        steps = 0
        while not over.wait(SKEW_STEP_S):
            steps += 1
            for server, rate in zip(aim.servers, rates, strict=True):
                server.program.clock.set_ahead(steps * SKEW_STEP_S * rate)

    turning = threading.Thread(target=turn)
    turning.start()
    yield
    over.set()
    turning.join()
    for server in aim.servers:
        server.program.clock.set_ahead(0)
