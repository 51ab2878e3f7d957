"""A mail server of our own, which keeps what it is sent."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """What was sent, and the server's address as `HOST:PORT`."""

    def __init__(self) -> None:
        self.address = ""
        self._letters: list[bytes] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one message. The name is the library's."""
        assert isinstance(envelope.content, bytes)
        self._letters.append(envelope.content)
        return "250 kept"

    def letters(self) -> list[EmailMessage]:
        """All that came, in order."""
        return [message_from_bytes(letter, policy=policy.default) for letter in list(self._letters)]


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A server on a port of this machine, in a thread."""
    box, loop = Mailbox(), asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0))
    box.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()
