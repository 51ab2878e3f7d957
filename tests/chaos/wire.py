"""The network of one node, inside the node's own namespaces: a proxy before each server, a name server.

It is the first process of these namespaces (network, mounts, boot clock), so they live as long as it does.
Outside it reaches the servers by their Unix sockets, which namespaces of networks do not part. Orders come
as lines of JSON on standard input; each is answered by a line once it is in force.

    unshare -n -m -T --boottime SECONDS --fork python -m tests.chaos.wire STATE MEGABYTES SOCKET …
"""

import asyncio
import fcntl
import json
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from tests.chaos.disk import mount
from tests.faults.proxy import Fault, Proxy

PORT = 6379
HOST = "i{}.chaos"
ADDRESS = "127.1.0.{}"
"""Of each server, in the node's own network: any address of the loopback network will do."""
NAME_SERVER = ("127.0.0.1", 53)
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
NO_ERROR_AND_RECURSION = 0x8180
NO_SUCH_NAME = 3
A_RECORD = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04"
"""The name of the question, type A, class IN, not to be kept, four bytes. Source: RFC 1035, section 4.1.3."""


def urls(servers: int) -> list[str]:
    """Where all agents find the servers: the same names everywhere, so it is one configuration."""
    return [f"redis://{HOST.format(number)}:{PORT}/0" for number in range(1, servers + 1)]


class Names:
    """Answers questions for the servers' addresses, or leaves them open."""

    def __init__(self) -> None:
        self.hangs = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(NAME_SERVER)

    def answer(self) -> None:
        """Answer the next question, if it is to be answered."""
        question, sender = self.socket.recvfrom(512)
        if not self.hangs:
            self.socket.sendto(reply_to(question), sender)


def reply_to(question: bytes) -> bytes:
    """What a name server says; it knows addresses of version 4 of the servers, and nothing else."""
    length = question[12]
    name = question[13 : 13 + length].decode(errors="replace")
    end = question.index(b"\0", 12) + 5
    is_known = name.startswith("i") and name[1:].isdecimal()
    addresses = [ADDRESS.format(name[1:])] if is_known and question[end - 4 : end - 2] == b"\0\1" else []
    flags = NO_ERROR_AND_RECURSION + (0 if is_known else NO_SUCH_NAME)
    head = question[:2] + struct.pack("!5H", flags, 1, len(addresses), 0, 0)
    return head + question[12:end] + b"".join(A_RECORD + socket.inet_aton(address) for address in addresses)


def furnish(state: Path, megabytes: str) -> None:
    """Bring the loopback up, mount a small disk for the agent's state, and name the name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    state.mkdir(parents=True)
    mount("-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "chaos", str(state))
    with NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f"nameserver {NAME_SERVER[0]}\noptions timeout:2 attempts:2\n")
        file.flush()
        mount("--bind", file.name, "/etc/resolv.conf")


def obey(order: dict[str, Any], proxies: Sequence[Proxy], names: Names) -> None:
    """Do what one line says."""
    if "names_hang" in order:
        names.hangs = order["names_hang"]
    for proxy in (proxies[index] for index in order.get("at", ())):
        proxy.delay_s = order.get("delay_s", proxy.delay_s)
        proxy.jitter_s = order.get("jitter_s", proxy.jitter_s)
        if "fault" in order:
            proxy.misbehave(Fault[order["fault"]])
        if order.get("cut"):
            proxy.cut()
        if order.get("lose"):
            proxy.lose_connections()


async def run(paths: Sequence[str]) -> None:
    """Carry, and obey, until standard input ends."""
    proxies = [
        Proxy(f"unix://{path}", host=ADDRESS.format(number), listening_port=PORT)
        for number, path in enumerate(paths, start=1)
    ]
    names = Names()
    asyncio.get_running_loop().add_reader(names.socket, names.answer)
    async with AsyncExitStack() as stack:
        for proxy in proxies:
            await stack.enter_async_context(proxy)
        print("ready", flush=True)  # noqa: T201 - the word that the lab waits for
        while line := await asyncio.to_thread(sys.stdin.readline):
            obey(json.loads(line), proxies, names)
            print("done", flush=True)  # noqa: T201 - likewise


def main(state: str, megabytes: str, *paths: str) -> None:
    """Make the node's surroundings, and keep them."""
    furnish(Path(state), megabytes)
    asyncio.run(run(paths))


if __name__ == "__main__":
    main(*sys.argv[1:])
