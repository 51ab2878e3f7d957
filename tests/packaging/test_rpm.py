"""The RPM, as far as `rpm` itself can tell on a machine of another distribution: no RPM system is at hand."""

import subprocess
from pathlib import Path

import pytest

from tests.packaging.machine import SHARED, machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "rpm", "systemctl", "unshare", "nsenter"),
    pytest.mark.timeout(240),
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


def test_rpm_is_installed_upgraded_in_place_and_erased(rpm: Path) -> None:
    """Its own scripts make the user, enable nothing by themselves, and leave the configuration at the end.

    What it needs is not looked up: this distribution has it under other names.
    """
    with machine() as booted:
        (booted.shared / "leader.rpm").write_bytes(rpm.read_bytes())
        told = booted.do(f"rpm --install --nodeps {SHARED}/leader.rpm")
        assert "systemctl enable --now leader" in told
        assert booted.do("id -un leader; leader --version").splitlines()[0] == "leader"
        assert booted.do("systemd-analyze --man=no verify leader.service") == ""
        booted.do("leader config init")
        booted.do(f"rpm --upgrade --force --nodeps {SHARED}/leader.rpm; leader --version")
        booted.do("rpm --erase leader")
        assert booted.do("ls /etc/leader") == "leader.toml"
        assert not booted.says("test -e /usr/lib/leader -o -L /usr/bin/leader")
