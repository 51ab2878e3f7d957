"""The section [quorum]: which servers, which lease, and what agents need to get in.

The rules that join several keys stand here: one server listed once, loopback for all or for none, TLS
files in pairs.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from leader.config import rules
from leader.config.address import Address, hide_password, parse_address
from leader.config.model import InstanceConfig, PreviousQuorum, QuorumConfig, TlsConfig
from leader.config.secrets import read_password, warn_of_readers
from leader.config.table import Findings, Table, presentable

DEFAULT_LEASE_MS = 10_000
SHORTEST_LEASE_MS = 1_000
LONGEST_LEASE_MS = 3_600_000
MOST_INSTANCES = 15
LEASE = rules.duration(SHORTEST_LEASE_MS, LONGEST_LEASE_MS)

_INSTANCES = "quorum.instances"
_PREVIOUS = "quorum.previous"


class Listed(NamedTuple):
    """One entry of the list: its name, where it was written, and what its URL says."""

    name: str
    key: str
    address: Address


class Login(NamedTuple):
    """What instances are asked in with whose URLs name nobody."""

    username: str
    password: str


def read_quorum(table: Table, findings: Findings) -> QuorumConfig:
    """The quorum, as far as it could be read; what is wrong with it is in the findings."""
    username = table.take("username", rules.text, "")
    password_file, password = read_password(table, findings)
    login = Login(username, password)
    listed = _listed(table, findings)
    _check_list(listed, _INSTANCES, findings)
    instances = tuple(_instance(entry, login) for entry in listed)
    lease_ms = table.take("lease", LEASE, DEFAULT_LEASE_MS, "LEADER_LEASE")
    quorum = QuorumConfig(
        instances=instances,
        lease_ms=lease_ms,
        generation=table.take("generation", rules.integer(1, rules.LARGEST_GENERATION), 1),
        tls=_tls(table.table("tls"), findings),
        username=username,
        password_file=password_file,
        previous=_previous(table, findings, instances, lease_ms, login),
    )
    if quorum.previous and quorum.generation == 1:
        rule = "must be 2 or more beside quorum.previous: each step of a change is a generation of its own"
        findings.refuse_value("quorum.generation", quorum.generation, rule)
    if "tls" in table and not any(instance.tls for instance in quorum.all_instances):
        findings.note("quorum.tls", "has no effect, because no instance is rediss://")
    table.refuse_the_rest()
    return quorum


def _previous(
    table: Table, findings: Findings, now: tuple[InstanceConfig, ...], lease_ms: int, login: Login
) -> PreviousQuorum | None:
    """The list and the lease before the change that is under way, if one is; what is left out, stays."""
    before = table.table("previous")
    if "previous" not in table:
        return None
    key = f"{_PREVIOUS}.instances"
    given = before.raw("instances")
    previous_lease_ms = before.take("lease", LEASE, lease_ms)
    before.refuse_the_rest()
    if given is None:
        instances = now
    else:
        listed = _entries(given, key, findings)
        _check_list(listed, key, findings)
        instances = tuple(_the_same(_instance(entry, login), now, entry.key, findings) for entry in listed)
    if previous_lease_ms == lease_ms and {i.canonical for i in instances} == {i.canonical for i in now}:
        findings.refuse(_PREVIOUS, "says the same list and lease as [quorum]: give those before the change")
    return PreviousQuorum(instances, previous_lease_ms)


def _the_same(
    instance: InstanceConfig, now: tuple[InstanceConfig, ...], key: str, findings: Findings
) -> InstanceConfig:
    """This instance as the list has it, if it stands there too: one server, one name, one connection."""
    for other in now:
        if other.canonical == instance.canonical:
            return other
        if other.name == instance.name:
            rule = f"must have another name: in {_INSTANCES} that one is another server"
            findings.refuse_value(key, instance.name, rule)
    return instance


def _instance(entry: Listed, login: Login) -> InstanceConfig:
    address = entry.address
    own = bool(address.username or address.password)
    return InstanceConfig(
        name=entry.name,
        scheme=address.scheme,
        host=address.host,
        port=address.port,
        db=address.db,
        path=address.path,
        username=address.username if own else login.username,
        password=address.password if own else login.password,
        canonical=address.canonical,
        has_own_password=bool(address.password),
    )


def _listed(table: Table, findings: Findings) -> list[Listed]:
    """The instances in the order in which they are listed; LEADER_QUORUM wins over the file."""
    given = table.raw("instances")
    urls = findings.environ.get("LEADER_QUORUM", "").split()
    if urls:
        findings.origins[_INSTANCES] = "LEADER_QUORUM"
        return _parsed(((f"LEADER_QUORUM[{at}]", "", url) for at, url in enumerate(urls)), findings)
    if given is None:
        findings.refuse(_INSTANCES, "is missing; list the URLs of the Redis servers, or set LEADER_QUORUM")
        return []
    return _entries(given, _INSTANCES, findings)


def _entries(given: object, key: str, findings: Findings) -> list[Listed]:
    """The instances of a list, or of a table that names them."""
    match given:
        case []:
            findings.refuse_value(key, given, "must list the URL of at least one Redis server, better three")
        case list():
            return _parsed(((f"{key}[{at}]", "", url) for at, url in enumerate(given)), findings)
        case dict():
            return _parsed(((f"{key}.{name}", name, url) for name, url in given.items()), findings)
        case _:
            findings.refuse_value(
                key, presentable("", given), 'must be a list such as ["redis://10.0.0.11:6379"]'
            )
    return []


def _parsed(entries: Iterable[tuple[str, str, object]], findings: Findings) -> list[Listed]:
    """Those of the entries (key, name, URL) that keep the rules of their own."""
    good = []
    for key, name, url in entries:
        shown_url = presentable(name, hide_password(url) if isinstance(url, str) else url)
        try:
            address = parse_address(rules.text(url))
            good.append(Listed(rules.name(name) if name else address.name, key, address))
        except ValueError as broken:
            findings.refuse_value(key, shown_url, str(broken))
            continue
        if address.password:
            findings.note(key, "holds a password in clear; a quorum.password_file is safer")
    return good


def _check_list(listed: list[Listed], key: str, findings: Findings) -> None:
    """The rules that hold for the list as a whole."""
    first: dict[tuple[str, int, int], Listed] = {}
    for entry in listed:
        earlier = first.setdefault(entry.address.canonical, entry)
        if earlier is not entry:
            rule = f"must not be the same server as {earlier.key}, for one server has one vote"
            findings.refuse_value(entry.key, entry.address.name, rule)
    local = [entry for entry in listed if entry.address.on_this_machine]
    if len(local) < len(listed):
        for entry in local:
            rule = "must be an address that means the same server on every node, as others of the list do"
            findings.refuse_value(entry.key, entry.address.name, rule)
    elif local:
        findings.note(key, "are all on this machine, so no other machine can share this quorum")
    _check_count(len(listed), key, findings)


def _check_count(count: int, key: str, findings: Findings) -> None:
    if count > MOST_INSTANCES:
        findings.refuse(key, f"must be at most {MOST_INSTANCES} instances, and {count} are listed")
    elif count == 1:
        findings.note(key, "is one alone: nobody leads while it is down; three survive the loss of one")
    elif count and count % 2 == 0:
        survives = count - (count // 2 + 1)
        findings.note(key, f"are {count}: one fewer would survive the loss of as many ({survives})")


def _tls(table: Table, findings: Findings) -> TlsConfig:
    tls = TlsConfig(
        ca_file=table.take("ca_file", _readable_file, ""),
        cert_file=table.take("cert_file", _readable_file, ""),
        key_file=table.take("key_file", _readable_file, ""),
    )
    if tls.key_file:
        warn_of_readers(tls.key_file, "quorum.tls.key_file", findings)
    if tls.key_file and "cert_file" not in table:
        findings.refuse_value("quorum.tls.key_file", tls.key_file, "must have a cert_file beside it")
    table.refuse_the_rest()
    return tls


def _readable_file(value: object) -> str:
    path = rules.absolute_path(value)
    if not Path(path).is_file() or not os.access(path, os.R_OK):
        raise ValueError(f"must be a file that {rules.reader()} can read")
    return path
