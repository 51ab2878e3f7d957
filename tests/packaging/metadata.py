"""Plays the metadata service of an EC2 machine, version 2: no answer without a token.

    python tests/packaging/metadata.py DIRECTORY

What it knows are the files of a directory. Source: the EC2 user guide, "Use the Instance Metadata Service".
"""

import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ADDRESS = ("169.254.169.254", 80)
TOKEN = "a-token"
TOKEN_PATH, DATA_PATH = "/latest/api/token", "/latest/meta-data/"


class Metadata(BaseHTTPRequestHandler):
    """One request."""

    directory = Path()

    def do_PUT(self) -> None:
        """Give a token to who says how long it is to last."""
        is_good = self.path == TOKEN_PATH and "X-aws-ec2-metadata-token-ttl-seconds" in self.headers
        self._say(HTTPStatus.OK if is_good else HTTPStatus.BAD_REQUEST, TOKEN if is_good else "")

    def do_GET(self) -> None:
        """Say what is known, to who has a token."""
        file = self.directory / self.path.removeprefix(DATA_PATH)
        if self.headers["X-aws-ec2-metadata-token"] != TOKEN:
            self._say(HTTPStatus.UNAUTHORIZED)
        elif not self.path.startswith(DATA_PATH) or not file.is_file():
            self._say(HTTPStatus.NOT_FOUND)
        else:
            self._say(HTTPStatus.OK, file.read_text())

    def _say(self, status: HTTPStatus, text: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    Metadata.directory = Path(sys.argv[1])
    HTTPServer(ADDRESS, Metadata).serve_forever()
