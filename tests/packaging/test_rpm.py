"""The RPM, as far as `rpm` itself can tell on a machine of another distribution: no RPM system is at hand."""

import subprocess
from pathlib import Path

import pytest

from tests.packaging.installed import installed, lead, term
from tests.packaging.machine import SHARED
from tests.support.polling import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "rpm", "systemctl", "unshare", "nsenter", "redis-server"),
    pytest.mark.timeout(300),
]


def query(rpm: Path, *what: str) -> str:
    """What `rpm` says of the package."""
    command = ["rpm", "--query", "--package", *what, str(rpm)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_rpm_is_whole_and_says_what_it_needs(rpm: Path) -> None:
    """Its digests are right, and it wants the very Python that its environment is of."""
    subprocess.run(["rpm", "--checksig", "--nosignature", str(rpm)], check=True, capture_output=True)
    python = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert f"python(abi) = {python}" in query(rpm, "--requires").splitlines()
    files = query(rpm, "--list").splitlines()
    assert {"/usr/bin/leader", "/etc/leader", "/usr/lib/systemd/system/leader.service"} <= set(files)


def test_rpm_is_installed_upgraded_while_leading_and_erased(rpm: Path) -> None:
    """Its own scripts make the user, keep the leadership, and leave the configuration at the end."""
    with installed(rpm) as booted:
        assert booted.do("id -un leader; id -gn leader") == "leader\nleader"
        assert booted.do("systemd-analyze --man=no verify leader.service") == ""
        lead(booted)
        before = term(booted)
        booted.do(f"rpm --upgrade --force --nodeps {SHARED}/leader.rpm")
        until(lambda: booted.log("leader").count("agent starts") == 2, "it takes its own place")
        until(lambda: booted.says("leader is-leader"), "it answers")
        assert term(booted) == before
        booted.do("rpm --erase leader")
        assert "cause=released" in booted.log("leader")
        assert booted.do("ls /etc/leader") == "leader.toml"
        assert not booted.says("test -e /usr/lib/leader -o -L /usr/bin/leader")
