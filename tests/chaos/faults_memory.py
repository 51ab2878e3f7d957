"""What makes a server forget, or remember what is no longer so: restarts, roll-backs, replicas, eviction."""

from collections.abc import Iterator
from contextlib import ExitStack

from tests.chaos.kinds import Aim, Harm, On, Share, kind
from tests.chaos.redis import Connection

FILLING = 3000
"""Values that are written while a server evicts: some megabytes."""
VALUE = "x" * 2048
ROOM_BYTES = 1_000_000


@kind("server restarted with nothing", On.SERVER, Harm.FORGETS)
def restarted_with_nothing(aim: Aim) -> Iterator[None]:
    """It ends, and later starts without any data."""
    for server in aim.servers:
        server.kill()
    yield
    for server in aim.servers:
        server.restart(keep_data=False)


@kind("server rolled back", On.SERVER, Harm.FORGETS)
def rolled_back(aim: Aim) -> Iterator[None]:
    """It ends, and starts with data of some time ago."""
    for server in aim.servers:
        server.save()
    yield
    for server in aim.servers:
        server.restart(keep_data=True)


@kind("server restarted in order", On.SERVER)
def restarted_in_order(aim: Aim) -> Iterator[None]:
    """It saves all that it has, ends, and starts with it."""
    for server in aim.servers:
        server.ask("SHUTDOWN", "SAVE")
    yield
    for server in aim.servers:
        server.restart(keep_data=True)


@kind("server flushed", On.SERVER, Harm.FORGETS, longest_leases=0.5)
def flushed(aim: Aim) -> Iterator[None]:
    """FLUSHALL."""
    for server in aim.servers:
        server.ask("FLUSHALL")
    yield


@kind("server followed a lagging replica", On.SERVER, Harm.FORGETS, share=Share.ONE)
def followed(aim: Aim) -> Iterator[None]:
    """A replica lags; the server follows it, so it has older data, and is then made a master again."""
    (server,) = aim.servers
    with server.copied() as copy:
        yield
        server.follow(copy)


@kind("lagging replica promoted", On.SERVER, Harm.FORGETS, share=Share.ONE)
def promoted(aim: Aim) -> Iterator[None]:
    """The server dies, and a replica that lags takes its place."""
    (server,) = aim.servers
    with server.copied() as copy:
        yield
        server.give_way(copy)


@kind("server evicting", On.SERVER, Harm.FORGETS)
def evicting(aim: Aim) -> Iterator[None]:
    """It is full, under `allkeys-lru`, and others write: keys are lost that nobody deleted."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for server in aim.servers]
        for connection in connections:
            evict(connection)
        yield
        for connection in connections:
            connection.ask("CONFIG", "SET", "maxmemory", "0")
            connection.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
            connection.ask(
                "EVAL", "for i = 1, ARGV[1] do redis.call('DEL', 'filling' .. i) end", "0", str(FILLING)
            )


def evict(connection: Connection) -> None:
    """Write more than has room. Were there a backlog for a replica, it would take the room of all values."""
    connection.ask("CONFIG", "SET", "repl-backlog-size", "16kb")
    used = next(
        int(line.partition(":")[2])
        for line in connection.ask("INFO", "memory").splitlines()
        if line.startswith("used_memory:")
    )
    connection.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    connection.ask("CONFIG", "SET", "maxmemory", str(used + ROOM_BYTES))
    for number in range(FILLING):
        connection.send("SET", f"filling{number + 1}", VALUE)
    for _ in range(FILLING):
        connection.receive()
