"""The Debian package from its first installation to its purge, on a machine with systemd and real cron."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from leader.cli.main import MODULES
from tests.packaging.built import build
from tests.packaging.installed import FILE, installed, lead, term
from tests.packaging.machine import SHARED, Machine
from tests.support.polling import until

pytestmark = [
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "dpkg", "redis-server", "cron"),
    pytest.mark.timeout(300),
]
NEXT = "9.9.9"
PACKAGES = "usr/lib/leader/lib/python3*/site-packages"
TWO_MINUTES_S = 130.0
COMPLETIONS = {
    "bash-completion/completions": "leader",
    "zsh/vendor-completions": "_leader",
    "fish/vendor_completions.d": "leader.fish",
}


@pytest.fixture(scope="module")
def upgrade(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of a later version, which tells its version as the real one would."""
    folder = tmp_path_factory.mktemp("next")
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(tree)], check=True)
    (init,) = tree.glob(f"{PACKAGES}/leader/__init__.py")
    control = tree / "DEBIAN/control"
    for file, begins, line in (
        (init, "__version__ = ", f'__version__ = "{NEXT}"'),
        (control, "Version: ", f"Version: {NEXT}-1"),
    ):
        lines = file.read_text().splitlines()
        file.write_text("\n".join(line if old.startswith(begins) else old for old in lines) + "\n")
    subprocess.run(["dpkg-deb", "-Znone", "--build", str(tree), str(folder)], check=True, capture_output=True)
    (built,) = folder.glob("*.deb")
    return built


@pytest.fixture
def fresh(deb: Path, upgrade: Path) -> Iterator[Machine]:
    """A machine with the package, and the next version at hand."""
    with installed(deb) as booted:
        shutil.copy(upgrade, booted.shared / "next.deb")
        yield booted


def files_of(booted: Machine) -> list[str]:
    """What is left of the package, in the places of its files."""
    places = "/etc/leader /var/lib/leader /run/leader /usr/lib/leader /usr/bin/leader /usr/share/doc/leader"
    units = "/etc/systemd/system/multi-user.target.wants/leader.service /lib/systemd/system/leader.service"
    return booted.do(f"for f in {places} {units}; do test ! -e $f -a ! -L $f || echo $f; done").split()


@pytest.mark.slow
def test_package_from_install_to_purge(fresh: Machine) -> None:
    """A user's guarded crontab runs, an upgrade keeps the leadership, and a purge leaves nothing."""
    assert fresh.do("id -un leader; id -gn leader") == "leader\nleader"
    fresh.write("/srv/tab", "* * * * * leader is-leader && date >> /tmp/ran\n")
    fresh.do("crontab -u nobody /srv/tab; (cron -f -L 0 > /tmp/cron.log 2>&1 &)")
    lead(fresh, "# mine\n")
    before = term(fresh)

    fresh.do(f"dpkg --install {SHARED}/next.deb")
    until(lambda: fresh.log("leader").count(f"version={NEXT}") == 1, "the new version runs")
    until(lambda: fresh.says("leader is-leader"), "it answers")
    assert term(fresh) == before
    assert "leads no more" not in fresh.log("leader")
    assert fresh.shown("leader", "NRestarts") == "0"
    assert fresh.do(f"tail -1 {FILE}") == "# mine"
    until(lambda: fresh.says("test -s /tmp/ran"), "cron has run the job", TWO_MINUTES_S)

    fresh.do("dpkg --remove leader")
    assert "cause=released" in fresh.log("leader"), "the agent was stopped, and handed over"
    assert {FILE.rpartition("/")[0], "/var/lib/leader"} <= set(files_of(fresh))
    assert not fresh.says("command -v leader")
    fresh.do("dpkg --purge leader")
    assert files_of(fresh) == []
    assert not fresh.says("getent passwd leader")
    assert not fresh.says("getent group leader")


@pytest.mark.slow
def test_upgrade_with_a_broken_configuration_leaves_the_old_agent_leading(fresh: Machine) -> None:
    """The upgrade itself succeeds, and says what to do."""
    lead(fresh)
    before = term(fresh)
    fresh.do(f"echo nonsense = 1 >> {FILE}")
    told = fresh.run(f"dpkg --install {SHARED}/next.deb")
    assert told.code == 0
    assert "then: systemctl reload leader" in told.complaint
    assert term(fresh) == before
    fresh.do(f"sed -i '/nonsense/d' {FILE}; systemctl reload leader")
    until(lambda: f"version={NEXT}" in fresh.log("leader"), "the new version runs")
    assert term(fresh) == before


@pytest.mark.slow
def test_package_copes_without_systemd(fresh: Machine) -> None:
    """An agent that something else runs is told to take the new version, and stopped at removal."""
    lead(fresh)
    fresh.do("systemctl stop leader; mv /run/systemd/system /run/systemd/away")
    places = "LEADER_RUNTIME_DIR=/run/leader LEADER_STATE_DIR=/var/lib/leader"
    fresh.do(f"({places} runuser -u leader -- leader agent > /tmp/agent.log 2>&1 &)")
    until(lambda: fresh.says("leader is-leader"), "it leads")
    before = term(fresh)
    fresh.do(f"dpkg --install {SHARED}/next.deb")
    until(lambda: fresh.says(f"grep -q version={NEXT} /tmp/agent.log"), "the new version runs")
    until(lambda: fresh.says("leader is-leader"), "it answers")
    assert term(fresh) == before
    fresh.do("dpkg --purge leader")
    assert fresh.says("grep -q cause=released /tmp/agent.log")
    assert "/usr/lib/leader" not in files_of(fresh)


@pytest.mark.slow
def test_one_source_makes_one_package(deb: Path, tmp_path: Path) -> None:
    """Built twice, it is the same to the byte."""
    assert build("deb", tmp_path).read_bytes() == deb.read_bytes()


@pytest.mark.slow
@pytest.mark.needs("lintian")
def test_lintian_finds_no_error(deb: Path) -> None:
    """Beside those that the package itself says why it has them."""
    command = ["lintian", "--fail-on", "error", "--allow-root", str(deb)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_environment_is_of_one_python_and_leaves_the_systems_alone(node: Machine) -> None:
    """The package depends on that version; a crontab's PYTHONPATH does not reach the command."""
    depends = node.do("dpkg-query --show --showformat '${Depends}' leader")
    python = node.do("python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'")
    assert f"python3 (>= {python})" in depends
    assert f"python3 (<< {python.split('.')[0]}.{int(python.split('.')[1]) + 1})" in depends
    assert node.run("python3 -c 'import leader'").code != 0
    node.write("/srv/evil/leader/__init__.py", "raise SystemExit('evil')")
    assert node.do("PYTHONPATH=/srv/evil leader --version").startswith("leader ")


@pytest.mark.needs("man", "zsh", "fish")
def test_pages_and_completions_are_found_by_those_who_look_for_them(node: Machine) -> None:
    """A page for each command and for the file, with a description; each shell's file in its folder."""
    names = ["leader", *(f"leader-{name}" for name in MODULES)]
    node.do(f"man --where {' '.join(names)} leader.toml")
    for folder, name in COMPLETIONS.items():
        node.do(f"test -s /usr/share/{folder}/{name}")
    assert node.do("bash -c '. /usr/share/bash-completion/completions/leader; complete -p leader'")
    assert "_leader" in node.do("zsh -fc 'autoload -Uz compinit && compinit -u -D; print $_comps[leader]'")
    assert "status" in node.do("HOME=/root fish --command 'complete -C \"leader stat\"'")


def test_command_compiles_nothing_anew(node: Machine) -> None:
    """All modules come compiled: root's Python, which would keep what it compiles, has nothing to keep.

    A user could keep nothing, and so would wait each time.
    """
    node.do("/usr/lib/leader/bin/python -c 'import leader.cli.main, leader.agent.agent'; leader --version")
    assert node.do("find /usr/lib/leader -newer /var/lib/dpkg/info/leader.list") == ""
