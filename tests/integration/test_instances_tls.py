"""TLS with an authority of one's own: who is trusted, and the sentence for each way to get it wrong."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from leader.instances.answers import Kind
from leader.instances.endpoint import Credentials
from leader.instances.problems import Problem, Unanswered
from leader.protocol.calls import Observe, Verdict
from tests.integration.instances_on_servers import NS_PER_MS, hand_on, servers, short_directory
from tests.integration.tls_servers import VALID_NAMES, Authority, encrypted, tls_server

pytestmark = pytest.mark.needs("redis-server", "openssl")


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    """One for all tests: making keys takes a while."""
    with short_directory() as directory:
        yield Authority(directory)


@contextlib.contextmanager
def server_of(
    authority: Authority, names: str = VALID_NAMES, days: int = 2, clients: str = "no"
) -> Iterator[int]:
    """The TLS port of a server whose certificate is for these names."""
    with tls_server(authority.issue("server", names, days), authority.ca_file, clients) as port:
        yield port


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
    with server_of(authority) as port:
        assert await votes(f"rediss://{host}:{port}", Credentials(ca_file=authority.ca_file))


async def test_a_server_of_an_unknown_authority_is_not_trusted(authority: Authority) -> None:
    """The sentence says which setting names an authority."""
    with server_of(authority) as port:
        problem = await problem_of(f"rediss://localhost:{port}", Credentials())
        assert problem.kind is Kind.CERTIFICATE
        assert "ca_file" in problem.sentence


async def test_a_certificate_for_another_name_is_not_trusted(authority: Authority) -> None:
    """Although the address that was resolved is what the connection goes to."""
    with server_of(authority, names="DNS:elsewhere.example") as port:
        problem = await problem_of(f"rediss://localhost:{port}", Credentials(ca_file=authority.ca_file))
        assert problem.kind is Kind.CERTIFICATE
        assert "localhost" in problem.sentence


async def test_an_expired_certificate_is_not_trusted(authority: Authority) -> None:
    """The sentence says so, and who has to renew it."""
    with server_of(authority, days=-1) as port:
        problem = await problem_of(f"rediss://localhost:{port}", Credentials(ca_file=authority.ca_file))
        assert problem.kind is Kind.CERTIFICATE
        assert "has expired; renew it there" in problem.sentence


async def test_beside_ones_own_authority_no_other_is_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the system trusts: who sets ca_file means that one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    other = Authority(authority.directory, "other")
    with server_of(authority) as port:
        assert await votes(f"rediss://localhost:{port}", Credentials())
        problem = await problem_of(f"rediss://localhost:{port}", Credentials(ca_file=other.ca_file))
        assert "of an authority that this node does not trust" in problem.sentence


async def test_a_client_certificate_that_is_refused_is_told(authority: Authority) -> None:
    """One of another authority, and one that has expired; the reset may overtake the server's reason."""
    other = Authority(authority.directory, "other")
    with server_of(authority, clients="yes") as port:
        for cert, key in (other.issue("stranger"), authority.issue("late", days=-1)):
            credentials = Credentials(ca_file=authority.ca_file, cert_file=cert, key_file=key)
            problem = await problem_of(f"rediss://localhost:{port}", credentials)
            assert problem.kind in {Kind.CERTIFICATE, Kind.CONNECTION_LOST}
            assert "set cert_file and key_file under [quorum] tls to one that" in problem.sentence


async def test_a_key_with_a_passphrase_is_told_and_nobody_is_asked_for_it(authority: Authority) -> None:
    """OpenSSL would wait for somebody to type it."""
    cert, key = authority.issue("client")
    credentials = Credentials(ca_file=authority.ca_file, cert_file=cert, key_file=encrypted(key))
    with server_of(authority) as port:
        problem = await problem_of(f"rediss://localhost:{port}", credentials)
        assert problem.kind is Kind.UNUSABLE_FILE
        assert "has a passphrase, which nobody can type for an agent" in problem.sentence


async def test_a_server_may_ask_for_a_client_certificate(authority: Authority) -> None:
    """Without one the sentence says so; with one it votes."""
    cert, key = authority.issue("client")
    with server_of(authority, clients="yes") as port:
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
    with server_of(authority) as port:
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
    with server_of(authority) as port:
        shown = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(authority.ca_file)],
            input=b"PING\r\nQUIT\r\n", capture_output=True, check=False,
        )  # fmt: skip
        assert b"Verify return code: 0 (ok)" in shown.stdout
