"""A Redlock agent, to be put on trial where `leader agent` is: same configuration, same servers, same lease.

It contends for a lock of pottery's, and answers the same question on the same socket: `HEAD /leader` is 200
while it holds the lock, and says for how many milliseconds that is sure. It has no terms; the number that it
gives as one is the moment at which its leadership began, and only names it. What else `leader agent` can do
it does as far as Redlock has an equal: SIGTERM and the order to step down release the lock, and SIGHUP, at
which `leader agent` resumes what it holds, changes nothing.

    python -m tests.chaos.peer agent --config FILE
"""

import json
import os
import signal
import sys
import threading
import tomllib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

from leader.durations import parse_duration_ms
from tests.chaos.peer_lock import HeldLock


class Server(ThreadingUnixStreamServer):
    """Answers on the agent's socket, each question in a thread of its own."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, node: str, lock: HeldLock) -> None:
        self.node = node
        self.lock = lock
        path.unlink(missing_ok=True)
        super().__init__(str(path), Handler)


class Handler(BaseHTTPRequestHandler):
    """One question."""

    server: Server

    def handle(self) -> None:
        """Answer, unless nobody waits for that any more: the lab is impatient."""
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """Whether this node leads, whatever is asked."""
        body = self._answer()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        """The same without a body."""
        self._answer()

    def do_POST(self) -> None:
        """Step down: there is no other order."""
        self.server.lock.let_go()
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the class above
        """Log no questions: there are many."""

    def _answer(self) -> bytes:
        node = self.server.node
        number, remaining_ms = self.server.lock.leadership()
        leads = remaining_ms > 0
        content = {
            "election": "default",
            "node": node,
            "leader": leads,
            "term": number,
            "holder": node if leads else "",
            "remaining_ms": remaining_ms,
        }
        body = json.dumps(content).encode()
        self.send_response_only(200 if leads else 503)
        for name in ("remaining_ms", "term", "node", "holder"):
            self.send_header(f"Leader-{name.replace('_', '-').title()}", str(content[name]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body


def tell_start() -> None:
    """Say what `leader agent` says at its start and at SIGHUP, for the lab waits for that."""
    print("agent starts", flush=True)  # noqa: T201 - it is its log


def main() -> None:
    """Serve, and contend until SIGTERM."""
    settings = tomllib.loads(Path(sys.argv[3]).read_text())
    directory = Path(os.environ["LEADER_RUNTIME_DIR"])
    quorum = settings["quorum"]
    lock = HeldLock(quorum["instances"], parse_duration_ms(quorum["lease"]), directory / "releases")
    signal.signal(signal.SIGTERM, lambda *_: lock.end())
    signal.signal(signal.SIGHUP, lambda *_: tell_start())
    server = Server(directory / "leader.sock", settings["node"]["name"], lock)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell_start()
    lock.contend()


if __name__ == "__main__":
    main()
