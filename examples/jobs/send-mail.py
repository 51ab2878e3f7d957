#!/usr/bin/env python3
"""An e-mail: sends the messages that wait in a directory, each once.

Run: SMTP_SERVER=mail.example.org:25 leader once send-mail --overlap skip -- examples/jobs/send-mail.py OUTBOX

OUTBOX is on a file system that the nodes share. Whatever puts a message there writes it under another name,
and renames it to NAME.eml. What is sent goes to OUTBOX/sent, so a second run finds nothing left. Whatever a
machine sent and could not move before it died is sent again, with the same Message-ID, so it can be told.
"""

import os
import smtplib
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

PATIENCE_S = 30


def message_in(file: Path, host: str) -> EmailMessage:
    """The message, with a Message-ID that depends on nothing but the file."""
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    if not isinstance(message, EmailMessage) or not message["From"] or not message["To"]:
        raise ValueError(f"{file} has no From or no To")
    if not message["Message-ID"]:
        message["Message-ID"] = f"<{file.stem}@{host}>"
    return message


def send_all(outbox: Path, server: str) -> list[str]:
    """Send and move one after the other; what could not be sent stays, and is named."""
    sent, complaints = outbox / "sent", []
    sent.mkdir(exist_ok=True)
    host, _, port = server.partition(":")
    for file in sorted(outbox.glob("*.eml")):
        try:
            message = message_in(file, host)
            with smtplib.SMTP(host, int(port or 25), timeout=PATIENCE_S) as smtp:
                smtp.send_message(message)
        except (OSError, ValueError, smtplib.SMTPException) as error:
            complaints.append(f"{file.name} was not sent, and stays: {error}")
        else:
            file.rename(sent / file.name)
    return complaints


def main(outbox: str) -> int:
    """1 if something could not be sent."""
    complaints = send_all(Path(outbox), os.environ.get("SMTP_SERVER", "localhost:25"))
    for complaint in complaints:
        print(f"send-mail.py: {complaint}", file=sys.stderr)
    return int(bool(complaints))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
