"""One instance's URL, taken apart, and when two of them are the same server.

`redis://[user[:password]@]host[:port][/db]`, `rediss://` likewise, `unix://[user[:password]@]/path[?db=n]`.
Names are not resolved here: two names for one server are noticed later, by its process (rule R7).
"""

import re
import socket
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from posixpath import normpath
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SCHEMES = ("redis", "rediss", "unix")
DEFAULT_PORT = 6379
LARGEST_DB = 2**31 - 1

_ESCAPES = "within a password write %40 for @, %2F for /"
_PLAIN_PLACE = re.compile(r"([\w.-]*|\[[\da-fA-F:.]*\])(:\d*)?(/[\w./-]*)?(\?db=\d*)?", re.ASCII)
"""A host with its port and database, or a path: what stands elsewhere may be a part of a password."""

_THIS_MACHINE = "127.0.0.1"
_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL: for `unix://`, `host` is empty and `path` set; the password is in clear."""

    scheme: str
    host: str
    port: int
    db: int
    path: str
    username: str
    password: str = field(repr=False)

    @property
    def name(self) -> str:
        """What the instance is called if nobody gave it a name: host:port/db."""
        if self.path:
            return f"{self.path}/{self.db}" if self.db else self.path
        return f"{self.host}:{self.port}/{self.db}"

    @property
    def canonical(self) -> tuple[str, int, int]:
        """Host, port and database in one spelling, so that the same server listed twice is equal."""
        return (self.path or canonical_host(self.host), self.port, self.db)

    @property
    def on_this_machine(self) -> bool:
        """Whether the address means another server on every node."""
        return bool(self.path) or _is_loopback(canonical_host(self.host))


def parse_address(url: str) -> Address:
    """The parts of an instance's URL.

    Raises:
        ValueError: the URL breaks a rule; the message is the rule and quotes nothing of the URL.
    """
    parts = _split(url)
    path = unquote(parts.path)
    if parts.scheme == "unix":
        if parts.hostname or not path.startswith("/"):
            raise ValueError("must have three slashes before an absolute path, as unix:///run/redis.sock")
        return Address("unix", "", 0, _database(parts, ""), normpath(path), *_credentials(parts))
    host = parts.hostname or ""
    if not host.strip(".") or set(host) & set(" \t/\\@,%"):
        raise ValueError(f"must name a host, as redis://10.0.0.11:6379 ({_ESCAPES})")
    return Address(
        parts.scheme, host, _port(parts), _database(parts, path.strip("/")), "", *_credentials(parts)
    )


def hide_password(url: str) -> str:
    """The URL with everything that may be a secret struck out, also if it cannot be parsed."""
    scheme, separator, rest = url.rpartition("://") if url.count("://") == 1 else ("", "", url)
    _, at, host = rest.rpartition("@")
    place = host if _PLAIN_PLACE.fullmatch(host) else "…"
    return f"{scheme}{separator}***@{place}" if at else f"{scheme}{separator}{place}"


def canonical_host(host: str) -> str:
    """A host in one spelling: lower case, no dot at the end, numbers in their usual form."""
    plain = host.lower().rstrip(".")
    if plain in _LOCAL_NAMES or plain.endswith(".localhost"):
        return _THIS_MACHINE
    try:
        return _canonical_number(plain)
    except (ValueError, OSError):
        return plain


def _canonical_number(host: str) -> str:
    if host[:1].isdigit() and ":" not in host:
        host = socket.inet_ntoa(socket.inet_aton(host))  # also 127.1 and 0x7f.0.0.1, as the resolver does
    address = ip_address(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    is_local = address.is_unspecified or address == ip_address("::1")
    return _THIS_MACHINE if is_local else str(address)


def _is_loopback(canonical: str) -> bool:
    try:
        return ip_address(canonical).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult:
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise ValueError(f"must begin with one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    if scheme.lower() not in SCHEMES:
        raise ValueError(f"must begin with one of {', '.join(f'{known}://' for known in SCHEMES)}")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("must be a URL such as redis://10.0.0.11:6379 or redis://[fd00::1]:6379") from None
    if parts.fragment or "#" in url:
        raise ValueError("must have no fragment (within a password write %23 for #)")
    return parts


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        advice = f" ({_ESCAPES})" if "@" in parts.path else ""
        raise ValueError(f"must have a port from 1 to 65535{advice}")
    return port or DEFAULT_PORT


def _database(parts: SplitResult, from_path: str) -> int:
    query = parse_qsl(parts.query, keep_blank_values=True)
    unknown = [key for key, _ in query if key != "db"]
    if unknown or len(query) > 1 or (query and from_path):
        raise ValueError("must have no options but one db (passwords belong into quorum.password_file)")
    text = query[0][1] if query else from_path or "0"
    if not (text.isascii() and text.isdigit()) or int(text) > LARGEST_DB:
        raise ValueError("must end in a database number, as in redis://10.0.0.11:6379/0")
    return int(text)


def _credentials(parts: SplitResult) -> tuple[str, str]:
    return unquote(parts.username or ""), unquote(parts.password or "")
