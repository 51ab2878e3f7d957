"""What the six jobs of a cluster work on: directories, a database, a mail server and a service, all real.

All of it is below a directory that every user may reach; `shared` stands for a file system that nodes share.
"""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from leader.clock import wall_ms
from tests.support.examples import EXAMPLES, example
from tests.support.mail import Mailbox
from tests.support.postgres import Postgres

USER = "www-data"
"""Whom the examples run their jobs as."""
DAY = "2026-02-28"
LINE = '10.0.0.1 - - [28/Feb/2026:12:00:00 +0000] "GET / HTTP/1.1" {status} 512\n'
LETTER = "From: shop@example.org\nTo: {to}@example.org\nSubject: Your order\n\nIt is on its way.\n"
VISITS = """
INSERT INTO visit VALUES ('2026-02-01 00:00:00Z', '/', 10), ('2026-02-28 23:59:59Z', '/', 20),
    ('2026-02-14 12:00:00Z', '/order', 5), ('2026-01-31 23:59:59Z', '/', 9), ('2026-03-01 00:00:00Z', '/', 9);
"""
RECENT_VISITS = """
INSERT INTO visit SELECT now() - ages * interval '1 month', '/recent', 5 FROM generate_series(0, 2) ages;
"""
DAY_S = 24 * 60 * 60


class Service:
    """A web service that can be well or not."""

    def __init__(self) -> None:
        self.status = HTTPStatus.OK
        self.url = ""


@contextmanager
def service() -> Iterator[Service]:
    """One that answers on a port of this machine."""
    state = Service()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(state.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:  # nothing on standard error
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/healthz"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


class Site:
    """The directories of one cluster, and where its servers are."""

    def __init__(self, directory: Path, database: Postgres, mailbox: Mailbox, web: Service) -> None:
        self.database, self.mailbox, self.web = database, mailbox, web
        self.srv = directory / "srv"
        self.shared = self.srv / "shared"
        self.scripts = directory / "scripts"
        for name in ("catalogue", "contracts", "shared/outbox", "shared/archives", "shared/anacron"):
            (self.srv / name).mkdir(parents=True)
        shutil.copytree(EXAMPLES / "jobs", self.scripts)
        for server, statuses in (("web-1", (200, 500, 200)), ("web-2", (404,))):
            self.log(server, DAY, statuses)
        self.publish_next("first")
        (self.srv / "contracts" / "one").write_text("signed\n")

    def log(self, server: str, day: str, statuses: Sequence[int]) -> None:
        """What a web server has answered on that day."""
        file = self.shared / "logs" / server / f"{day}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(LINE.format(status=status) for status in statuses))

    def publish_next(self, prices: str) -> None:
        """What is to be published next."""
        (self.srv / "catalogue" / "prices").write_text(f"{prices}\n")

    @property
    def prices(self) -> str:
        """What is published."""
        return (self.shared / "catalogue" / "prices").read_text().strip()

    def put_letter(self, to: str, text: str = LETTER) -> Path:
        """A message that waits to be sent."""
        file = self.shared / "outbox" / f"{to}.eml"
        file.write_text(text.format(to=to))
        return file

    def letters_to(self, to: str) -> int:
        """How many of them have come."""
        return sum(letter["To"] == f"{to}@example.org" for letter in self.mailbox.letters())

    def make_ready(self, customer: str) -> None:
        """Something to do for each job, whatever day it is, and a service that is down."""
        now = wall_ms() / 1000
        for days in (-1, 0, 1):
            self.log("web-1", time.strftime("%Y-%m-%d", time.localtime(now - days * DAY_S)), (200, 200, 500))
        self.put_letter(customer)
        self.database.ask("-c", RECENT_VISITS)
        self.web.status = HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def environment(self) -> dict[str, str]:
        """Where the servers are, as the jobs are told."""
        return {**self.database.environment, "SMTP_SERVER": self.mailbox.address}

    def of_this_site(self, text: str) -> str:
        """An example's text, with the directories and servers of this site instead of those that it names."""
        servers = {
            "SMTP_SERVER": self.mailbox.address,
            "PGDATABASE": self.database.environment["PGDATABASE"],
            "SERVICES": f'"{self.web.url}"',
        }
        for name, value in servers.items():
            text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        return text.replace("/usr/local/bin/", f"{self.scripts}/").replace("/srv/", f"{self.srv}/")

    def rolled_up(self) -> list[str]:
        """The rows of February."""
        rows = "SELECT page, visits, took_ms FROM visits_by_month WHERE month = '2026-02-01' ORDER BY page"
        return self.database.ask("-c", rows).splitlines()

    def give_to(self, user: str) -> None:
        """Let that user write what is shared."""
        subprocess.run(["chown", "-R", user, str(self.srv)], check=True)


@contextmanager
def site(directory: Path, database: Postgres, mailbox: Mailbox) -> Iterator[Site]:
    """One in whose database February has three visits."""
    database.ask("-f", str(example("jobs/roll-up-tables.sql")))
    database.ask("-c", VISITS)
    with service() as web:
        yield Site(directory, database, mailbox, web)
