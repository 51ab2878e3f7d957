"""TLS with an authority of one's own: who is trusted, and the sentence for each way to get it wrong."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from leader.instances.answers import Kind
from leader.instances.endpoint import Credentials
from leader.instances.problems import Problem, Unanswered
from leader.protocol.calls import Observe, Verdict
from tests.integration.instances_on_servers import NS_PER_MS, hand_on, servers, short_directory

pytestmark = pytest.mark.needs("redis-server", "openssl")

NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
VALID_NAMES = "DNS:localhost,IP:127.0.0.1"


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        key = str(directory / "ca.key")
        openssl(f"req -x509 {NEW_KEY} -days 2 -keyout {key} -out {self.ca_file} -subj /CN=authority")

    def issue(self, name: str, names: str) -> tuple[Path, Path]:
        """A certificate for these names, and its key."""
        key, request, cert, extensions = (
            self.directory / f"{name}.{kind}" for kind in ("key", "csr", "pem", "ext")
        )
        extensions.write_text(f"subjectAltName={names}\n")
        openssl(f"req {NEW_KEY} -subj /CN={name} -keyout {key} -out {request}")
        signed_by = f"-CA {self.ca_file} -CAkey {self.directory / 'ca.key'} -CAcreateserial"
        openssl(f"x509 -req -in {request} {signed_by} -days 2 -extfile {extensions} -out {cert}")
        return cert, key


def openssl(arguments: str) -> None:
    """Run the openssl command."""
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    """One for all tests: making keys takes a while."""
    with short_directory() as directory:
        yield Authority(directory)


@contextlib.contextmanager
def tls_server(authority: Authority, names: str = VALID_NAMES, clients: str = "no") -> Iterator[int]:
    """The TLS port of a server whose certificate is for these names."""
    cert, key = authority.issue("server", names)
    port = free_port()
    options = (
        *("--tls-port", str(port), "--bind", "127.0.0.1", "--tls-auth-clients", clients),
        *(
            "--tls-cert-file",
            str(cert),
            "--tls-key-file",
            str(key),
            "--tls-ca-cert-file",
            str(authority.ca_file),
        ),
    )
    with servers("redis", options=options):
        yield port


def free_port() -> int:
    """A port that nobody has now."""
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def votes(url: str, credentials: Credentials) -> bool:
    """Whether a call there is answered."""
    async with hand_on(url, credentials=credentials) as hand:
        return (await hand.ask(Observe())).verdict is Verdict.OBSERVED


async def problem_of(url: str, credentials: Credentials) -> Problem:
    """Why a call there is not."""
    async with hand_on(url, credentials=credentials) as hand:
        with pytest.raises(Unanswered) as unanswered:
            await hand.send(timeout_ns=2_000 * NS_PER_MS)
        return unanswered.value.problem


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_server_of_ones_own_authority_is_trusted(authority: Authority, host: str) -> None:
    """By name and by address, as its certificate says."""
    with tls_server(authority) as port:
        assert await votes(f"rediss://{host}:{port}", Credentials(ca_file=authority.ca_file))


async def test_a_server_of_an_unknown_authority_is_not_trusted(authority: Authority) -> None:
    """The sentence says which setting names an authority."""
    with tls_server(authority) as port:
        problem = await problem_of(f"rediss://localhost:{port}", Credentials())
        assert problem.kind is Kind.CERTIFICATE
        assert "ca_file" in problem.sentence


async def test_a_certificate_for_another_name_is_not_trusted(authority: Authority) -> None:
    """Although the address that was resolved is what the connection goes to."""
    with tls_server(authority, names="DNS:elsewhere.example") as port:
        problem = await problem_of(f"rediss://localhost:{port}", Credentials(ca_file=authority.ca_file))
        assert problem.kind is Kind.CERTIFICATE
        assert "localhost" in problem.sentence


async def test_a_server_may_ask_for_a_client_certificate(authority: Authority) -> None:
    """Without one the sentence says so; with one it votes."""
    cert, key = authority.issue("client", "DNS:client")
    with tls_server(authority, clients="yes") as port:
        url = f"rediss://localhost:{port}"
        problem = await problem_of(url, Credentials(ca_file=authority.ca_file))
        assert problem.kind in {Kind.CERTIFICATE, Kind.CONNECTION_LOST}  # a reset may overtake the reason
        assert "cert_file" in problem.sentence
        assert await votes(url, Credentials(ca_file=authority.ca_file, cert_file=cert, key_file=key))


async def test_a_plain_port_spoken_to_with_tls_is_told(authority: Authority) -> None:
    """The scheme is what is wrong."""
    with servers("redis", transport="tcp") as quorum:
        url = quorum.urls[0].replace("redis://", "rediss://")
        problem = await problem_of(url, Credentials(ca_file=authority.ca_file))
        assert problem.kind is Kind.PLAIN_PORT  # it waits for the end of a line, and says nothing
        assert "redis:// instead of rediss://" in problem.sentence


async def test_a_tls_port_spoken_to_in_plain_is_told(authority: Authority) -> None:
    """It hangs up, or answers what is no Redis; both sentences say what may be wrong."""
    with tls_server(authority) as port:
        problem = await problem_of(f"redis://localhost:{port}", Credentials())
        assert problem.kind in {Kind.PROTOCOL, Kind.CONNECTION_LOST}
        assert "if that is a TLS port" in problem.sentence


async def test_an_unusable_certificate_file_is_told_at_the_first_call(tmp_path: Path) -> None:
    """It may be put right, or rotated, while the agent runs."""
    with servers("redis", transport="tcp") as quorum:
        url = quorum.urls[0].replace("redis://", "rediss://")
        problem = await problem_of(url, Credentials(ca_file=tmp_path / "missing.pem"))
        assert problem.kind is Kind.UNUSABLE_FILE
        assert "missing.pem" in problem.sentence


def test_the_server_under_test_is_a_real_one(authority: Authority) -> None:
    """It speaks TLS by another client's judgement too."""
    with tls_server(authority) as port:
        shown = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(authority.ca_file)],
            input=b"PING\r\nQUIT\r\n", capture_output=True, check=False,
        )  # fmt: skip
        assert b"Verify return code: 0 (ok)" in shown.stdout
