"""Where is an instance, and how does an agent prove there who it is?

Reads certificate files; opens no connection. A URL may carry a user and a password; what is shown to
people never does.
"""

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path

from leader.config.address import Address, hide_password, parse_address
from leader.errors import ConfigurationError
from leader.instances.problems import UnusableFile


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the whole quorum shares; a user or password in an instance's own URL wins over it."""

    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def tls_context(self) -> ssl.SSLContext:
        """A client's context that verifies certificates and host names; files are read anew, for rotation.

        With `ca_file` its authorities alone are trusted, without it those of the system.

        Raises:
            UnusableFile: one of the files cannot be read, or is not what it should be.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file, self._no_passphrase)
        except OSError as error:
            files = ", ".join(str(file) for file in (self.ca_file, self.cert_file, self.key_file) if file)
            reason = error.strerror or "not a certificate and its key in PEM"
            message = f"the TLS files {files} cannot be used ({reason}); correct tls under [quorum]"
            raise UnusableFile(message) from error
        return context

    def _no_passphrase(self) -> str:
        """OpenSSL would ask on the terminal, and wait."""
        raise UnusableFile(
            f"the key in {self.key_file or self.cert_file} has a passphrase, which nobody can type for an "
            "agent; store it without one, for the agent's user alone to read"
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server: a host and port, or the path of a Unix socket; a database; and who we are there."""

    address: Address
    credentials: Credentials

    @classmethod
    def of(cls, url: str, credentials: Credentials) -> "Endpoint":
        """The endpoint that a URL means; its own user and password win over those of the credentials.

        Raises:
            ConfigurationError: it is no URL of an instance.
        """
        try:
            address = parse_address(url)
        except ValueError as broken:
            raise ConfigurationError(f"the URL {hide_password(url)} {broken}") from broken
        if address.username or address.password:
            credentials = replace(credentials, username=address.username, password=address.password)
        return cls(address, credentials)

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.address.scheme == "rediss"

    @property
    def place(self) -> str:
        """Where it is, for people: `host:port`, or the socket's path."""
        address = self.address
        if address.path:
            return address.path
        return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"

    @property
    def url(self) -> str:
        """Its URL without user and password."""
        address = self.address
        if address.path:
            return f"unix://{address.path}" + (f"?db={address.db}" if address.db else "")
        return f"{address.scheme}://{self.place}/{address.db}"
