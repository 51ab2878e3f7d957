"""URLs of instances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leader.config.address import hide_password, parse_address


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://10.0.0.11:6379", "10.0.0.11:6379/0"),
        ("redis://10.0.0.11", "10.0.0.11:6379/0"),
        ("rediss://Redis-1.example/3", "redis-1.example:6379/3"),
        ("redis://10.0.0.11/?db=4", "10.0.0.11:6379/4"),
        ("redis://[fd00::1]:7000/1", "fd00::1:7000/1"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        ("unix:///run/redis.sock?db=2", "/run/redis.sock/2"),
    ],
)
def test_an_instance_is_called_by_host_port_and_database(url: str, name: str) -> None:
    """What nobody named gets its address for a name."""
    assert parse_address(url).name == name


def test_user_and_password_are_taken_from_a_url_and_decoded() -> None:
    """Characters that mean something in a URL are written with a percent sign."""
    address = parse_address("redis://us%65r:p%40ss%2F@h:1")
    assert (address.username, address.password) == ("user", "p@ss/")
    assert parse_address("redis://:word@h").password == "word"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("redis://localhost", "redis://127.0.0.1:6379/0"),
        ("redis://localhost", "redis://[::1]"),
        ("redis://localhost.", "rediss://LOCALHOST:6379"),
        ("redis://127.1", "redis://127.0.0.1"),
        ("redis://0.0.0.0", "redis://127.0.0.1"),
        ("redis://[::ffff:10.0.0.1]", "redis://10.0.0.1"),
        ("redis://[fd00:0::1]", "redis://[fd00::1]"),
        ("redis://0x0a.0.0.1", "redis://10.0.0.1"),
        ("redis://Redis-1.example.", "redis://redis-1.example/0"),
        ("unix:///run/r.sock", "unix:///run/r.sock?db=0"),
    ],
)
def test_two_spellings_of_one_server_are_equal(one: str, other: str) -> None:
    """Ports, databases, cases and forms of addresses are brought into one form."""
    assert parse_address(one).canonical == parse_address(other).canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("redis://127.0.0.1", "redis://127.0.0.2"),
        ("redis://h:6379", "redis://h:6380"),
        ("redis://h/0", "redis://h/1"),
        ("unix:///run/a.sock", "unix:///run/b.sock"),
    ],
)
def test_different_servers_are_different(one: str, other: str) -> None:
    """Another loopback address may well be another server."""
    assert parse_address(one).canonical != parse_address(other).canonical


@pytest.mark.parametrize(
    "url", ["redis://localhost", "redis://127.0.0.9", "redis://[::1]", "unix:///r", "redis://0"]
)
def test_addresses_of_this_machine_are_told(url: str) -> None:
    """They mean another server on every node."""
    assert parse_address(url).on_this_machine


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("10.0.0.11:6379", "must begin with one of redis://, rediss://, unix://"),
        ("http://h", "must begin with one of"),
        ("redis://", "must name a host"),
        ("redis://:6379", "must name a host"),
        ("redis://.", "must name a host"),
        ("redis://:pa/ss@h:1", "%2F for /"),
        ("redis://user:pa/ss@h:1", "%2F for /"),
        ("redis://u:p@ss@h,i", "must name a host"),
        ("redis://h:0", "must have a port from 1 to 65535"),
        ("redis://h:65536", "must have a port"),
        ("redis://h:x", "must have a port"),
        ("redis://h/x", "must end in a database number"),
        ("redis://h/0?db=1&db=2", "no options but one db"),
        ("redis://h?password=x", "no options but one db"),
        ("redis://h/1?db=1", "no options but one db"),
        ("redis://[::1", "must be a URL"),
        ("redis://h#1", "must have no fragment"),
        ("unix://run/redis.sock", "three slashes"),
        ("unix://", "three slashes"),
    ],
)
def test_a_url_that_breaks_a_rule_is_refused_with_the_rule(url: str, rule: str) -> None:
    """The rule says what a good one looks like."""
    with pytest.raises(ValueError, match="must") as refusal:
        parse_address(url)
    assert rule in str(refusal.value)


def test_passwords_are_struck_out_even_of_what_is_no_url() -> None:
    """All before the last @ may be secret."""
    assert hide_password("redis://user:secret@h:1/0") == "redis://***@h:1/0"
    assert hide_password("redis://:a/b@c@h") == "redis://***@h"
    assert hide_password(":secret@h") == "***@h"
    assert hide_password("redis://:se://cret@h") == "***@h"
    assert hide_password("redis://h:1") == "redis://h:1"


@given(st.text(alphabet="redis:/@[]0123456789.%#?=ux\\ ü", max_size=40))
def test_any_text_is_an_address_or_breaks_a_rule(text: str) -> None:
    """Nothing but a rule comes out of the parser, whatever is written behind the scheme."""
    for url in (text, f"redis://{text}", f"unix:///{text}"):
        assert outcome(url)


def outcome(url: str) -> str:
    """The canonical host, or the rule that is broken."""
    try:
        return parse_address(url).canonical[0]
    except ValueError as refusal:
        return str(refusal) if str(refusal).startswith("must ") else ""
