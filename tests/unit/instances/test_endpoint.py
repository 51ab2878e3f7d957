"""An instance's URL says where it is and who we are there; what is shown never holds the password."""

from pathlib import Path

import pytest

from leader.errors import ConfigurationError
from leader.instances.endpoint import Credentials, Endpoint
from leader.instances.problems import UnusableFile


def test_a_url_says_where_and_as_whom() -> None:
    """Its own user and password win over the quorum's."""
    endpoint = Endpoint.of("rediss://me:s%40crt@db.example:7000/2", Credentials("other", "pass"))
    assert endpoint.tls
    assert endpoint.place == "db.example:7000"
    assert endpoint.address.db == 2
    assert (endpoint.credentials.username, endpoint.credentials.password) == ("me", "s@crt")


def test_credentials_of_the_quorum_count_where_a_url_has_none() -> None:
    """One password file serves the whole list."""
    endpoint = Endpoint.of("unix:///run/redis.sock?db=1", Credentials("agent", "pass"))
    assert (endpoint.credentials.username, endpoint.credentials.password) == ("agent", "pass")
    assert endpoint.place == "/run/redis.sock"
    assert endpoint.url == "unix:///run/redis.sock?db=1"


def test_the_password_is_never_shown() -> None:
    """Neither in the URL nor in what Python prints of it nor in an error."""
    endpoint = Endpoint.of("redis://me:hunter2@[::1]:6379/0", Credentials())
    assert endpoint.url == "redis://[::1]:6379/0"
    assert "hunter2" not in repr(endpoint.credentials)
    with pytest.raises(ConfigurationError) as refused:
        Endpoint.of("http://me:hunter2@host", Credentials())
    assert "hunter2" not in str(refused.value)


def test_tls_verifies_the_certificate_and_the_name() -> None:
    """There is no switch that turns it off."""
    context = Credentials().tls_context()
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"


def test_an_unusable_certificate_file_is_named(tmp_path: Path) -> None:
    """Missing, or not a certificate at all."""
    garbage = tmp_path / "ca.pem"
    garbage.write_text("no certificate")
    for credentials in (
        Credentials(ca_file=tmp_path / "missing.pem"),
        Credentials(ca_file=garbage),
        Credentials(cert_file=garbage, key_file=garbage),
    ):
        with pytest.raises(UnusableFile, match=r"\.pem cannot be used .*correct tls under \[quorum\]"):
            credentials.tls_context()
