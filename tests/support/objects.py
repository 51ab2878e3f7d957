"""A small object store over HTTP: GET, and PUT with If-Match and If-None-Match, as S3 has them.

An ETag is the MD5 of the content, as in S3, so that two objects with the same bytes have the same.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Objects(ThreadingHTTPServer):
    """The objects, by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content: dict[str, bytes] = {}
        self.lock = threading.Lock()
        self.before_a_put: Callable[[], None] | None = None
        """Is called once, before the next PUT is looked at."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def etag(self, path: str) -> str:
        """The ETag of an object; an empty one if there is none."""
        body = self.content.get(path)
        return "" if body is None else f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'

    def put(self, path: str, body: bytes, match: str, none_match: str) -> HTTPStatus:
        """Write an object if the conditions hold, in one step."""
        with self.lock:
            etag = self.etag(path)
            if match and not etag:
                return HTTPStatus.NOT_FOUND
            if (match and match != etag) or (none_match == "*" and etag):
                return HTTPStatus.PRECONDITION_FAILED
            self.content[path] = body
            return HTTPStatus.OK


class _Handler(BaseHTTPRequestHandler):
    server: Objects

    def do_GET(self) -> None:
        with self.server.lock:
            body, etag = self.server.content.get(self.path), self.server.etag(self.path)
        self._answer(HTTPStatus.NOT_FOUND if body is None else HTTPStatus.OK, body or b"", etag)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        first, self.server.before_a_put = self.server.before_a_put, None
        if first is not None:
            first()
        conditions = self.headers.get("If-Match", ""), self.headers.get("If-None-Match", "")
        self._answer(self.server.put(self.path, body, *conditions), b"", "")

    def _answer(self, status: HTTPStatus, body: bytes, etag: str) -> None:
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def objects() -> Iterator[Objects]:
    """A running store."""
    with Objects() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
