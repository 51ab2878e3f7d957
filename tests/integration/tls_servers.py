"""A certificate authority of the tests' own, and real servers that speak TLS with its certificates."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.integration.instances_on_servers import servers
from tests.support.ports import free_port

NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
VALID_NAMES = "DNS:localhost,IP:127.0.0.1"
PASSPHRASE = "pass:phrase"


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self.directory = directory
        self.ca_file = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        openssl(f"req -x509 {NEW_KEY} -days 2 -keyout {self._key} -out {self.ca_file} -subj /CN={name}")

    def issue(self, name: str, names: str = VALID_NAMES, days: int = 2) -> tuple[Path, Path]:
        """A certificate for these names and so many days, which may lie behind us, and its key."""
        key, request, cert, extensions = (
            self.directory / f"{name}.{kind}" for kind in ("key", "csr", "pem", "ext")
        )
        extensions.write_text(f"subjectAltName={names}\n")
        openssl(f"req {NEW_KEY} -subj /CN={name} -keyout {key} -out {request}")
        signed_by = f"-CA {self.ca_file} -CAkey {self._key} -CAcreateserial"
        openssl(f"x509 -req -in {request} {signed_by} -days {days} -extfile {extensions} -out {cert}")
        return cert, key


def encrypted(key: Path) -> Path:
    """The same key behind a passphrase."""
    locked = key.with_suffix(".locked")
    openssl(f"ec -in {key} -out {locked} -aes128 -passout {PASSPHRASE}")
    return locked


def openssl(arguments: str) -> None:
    """Run the openssl command."""
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)


def tls_options(port: int, pair: Sequence[Path], trusts: Path, clients: str = "no") -> list[str]:
    """What lets a server speak TLS on a port: its certificate and key, and whose clients it may ask for."""
    cert, key = pair
    return [
        *("--tls-port", str(port), "--bind", "127.0.0.1", "--tls-auth-clients", clients),
        *("--tls-cert-file", str(cert), "--tls-key-file", str(key), "--tls-ca-cert-file", str(trusts)),
    ]


@contextlib.contextmanager
def tls_server(pair: Sequence[Path], trusts: Path, clients: str = "no") -> Iterator[int]:
    """The TLS port of a real server."""
    port = free_port()
    with servers("redis", options=tls_options(port, pair, trusts, clients)):
        yield port
