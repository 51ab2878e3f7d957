"""The agent as a service of systemd: a real one, as the first process of a machine of its own."""

import re
import signal

import pytest

from tests.packaging.installed import FILE, PORTS, answer, configure, lead, term
from tests.packaging.machine import Machine
from tests.support.node import PROJECT
from tests.support.polling import until

pytestmark = [
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "dpkg", "redis-server"),
    pytest.mark.timeout(300),
]
PASSWORD = "/etc/leader/password"
DROP_INS = "/usr/share/doc/leader/examples/systemd"


def main_pid(node: Machine) -> int:
    """The agent's process, as the machine counts."""
    return int(node.shown("leader", "MainPID"))


def drop_in(node: Machine, text: str) -> None:
    """Change the service for the tests that follow, until it is changed again."""
    node.write("/etc/systemd/system/leader.service.d/test.conf", f"[Service]\n{text}\n")
    node.do("systemctl daemon-reload")


def test_units_are_free_of_complaints(node: Machine) -> None:
    """As systemd itself reads them, with the programs that they name installed."""
    units = "leader.service leader-contend@default.service leader-held@default.service"
    examples = "health-check.timer health-check.service report.timer report.service worker.service"
    node.do(f"cd {DROP_INS}; cp {examples} /etc/systemd/system/")
    for name in ("health-check.py", "report.sh", "worker"):
        node.write(f"/usr/local/bin/{name}", "#!/bin/sh\nexec sleep infinity\n", 0o755)
    checked = node.run(f"systemd-analyze --man=no verify {units} {examples}")
    assert (checked.code, checked.output, checked.complaint) == (0, "", "")


def test_service_is_little_exposed(node: Machine) -> None:
    """By systemd's own measure, from 0 to 10, as the README has it."""
    measured = node.do("systemd-analyze security --offline=yes /lib/systemd/system/leader.service")
    (exposure,) = re.findall(r"Overall exposure level for leader.service: (\S+)", measured)
    assert f"gives the service {exposure} of 10" in (PROJECT / "README.md").read_text()


def test_without_a_configuration_the_service_is_enabled_and_does_not_start(node: Machine) -> None:
    """And that is no failure."""
    node.do(f"rm -f {FILE}; systemctl start leader")
    assert node.do("systemctl is-enabled leader") == "enabled"
    assert (node.shown("leader", "ActiveState"), node.shown("leader", "ConditionResult")) == (
        "inactive",
        "no",
    )


def test_a_broken_configuration_is_not_tried_again_and_again(node: Machine) -> None:
    """The agent says what is wrong, and systemd leaves it there."""
    configure(node, "nonsense = 1\n")
    assert node.run("systemctl start leader").code != 0
    until(lambda: node.shown("leader", "ActiveState") == "failed", "it has failed")
    assert (node.shown("leader", "ExecMainStatus"), node.shown("leader", "NRestarts")) == ("78", "0")
    assert "quorum.nonsense" in node.log("leader")
    node.do("systemctl reset-failed leader")


def test_started_service_is_ready_when_its_socket_answers(node: Machine) -> None:
    """Type=notify: `systemctl start` returns then, and tells who the agent is."""
    configure(node)
    node.do("systemctl start leader; leader status --json")
    assert node.shown("leader", "StatusText") == "node machine of cluster test"
    until(lambda: node.says("leader is-leader"), "it leads")


def test_killed_agent_comes_back_and_leads_on(node: Machine) -> None:
    """It resumes its lease, from what the runtime directory remembers."""
    lead(node)
    before, process = term(node), main_pid(node)
    node.do("systemctl kill --kill-whom=main --signal=KILL leader")
    until(lambda: main_pid(node) not in {0, process}, "another process")
    until(lambda: node.says("leader is-leader"), "it leads again")
    assert term(node) == before


def test_hung_agent_is_ended_and_started_again(node: Machine) -> None:
    """By the service manager's watchdog."""
    drop_in(node, "WatchdogSec=1s")
    lead(node)
    process = main_pid(node)
    node.do(f"kill -{signal.SIGSTOP} {process}")
    until(lambda: main_pid(node) not in {0, process}, "another process")
    until(lambda: node.says("leader is-leader"), "it leads again")
    assert node.shown("leader", "NRestarts") != "0"
    drop_in(node, "")


def test_reload_keeps_process_and_leadership(node: Machine) -> None:
    """The agent executes itself again, with the lease kept, and is ready when `systemctl reload` returns."""
    lead(node)
    before, process = term(node), main_pid(node)
    starts = node.log("leader").count("agent starts")
    configure(node, "[fitness]\nmax_load_per_cpu = 1000.0\n")
    node.do("systemctl reload leader")
    until(lambda: node.log("leader").count("agent starts") == starts + 1, "it has started again")
    until(lambda: node.shown("leader", "ActiveState") == "active", "it has reloaded")
    assert node.says("leader is-leader")
    assert (term(node), main_pid(node)) == (before, process)


def test_reload_of_a_broken_file_fails_in_sight_and_the_agent_goes_on(node: Machine) -> None:
    """`systemctl reload` tells, with what the check said in the log."""
    lead(node)
    before = term(node)
    configure(node, "nonsense = 1\n")
    assert node.run("systemctl reload leader").code != 0
    assert node.shown("leader", "ActiveState") == "active"
    assert term(node) == before


def test_runtime_directory_outlives_a_stop(node: Machine) -> None:
    """What is remembered of held leases lies there (rule R5); at a stop the leadership is handed over."""
    lead(node)
    node.do("systemctl stop leader")
    assert node.shown("leader", "ExecMainStatus") == "0"
    assert node.says("test -d /run/leader -a -e /run/leader/lock")


def test_peers_are_known_by_their_own_users(node: Machine) -> None:
    """Root may pause the node, and so may a member of the group; another user may ask, and is refused."""
    lead(node)
    node.do("leader pause; leader resume")
    assert node.says("leader status", user="nobody")
    refused = node.run("leader pause", user="nobody")
    assert refused.code == 1
    assert "adduser nobody leader" in refused.complaint
    node.do("usermod --append --groups leader games")
    node.do("leader pause; leader resume", user="games")


def test_group_of_the_socket_is_one_of_the_service(node: Machine) -> None:
    """A socket for members alone: the agent's user has to be one, and is told so."""
    configure(node, '[api]\ngroup = "news"\nsocket_mode = "0660"\n')
    node.do(": > /var/log/leader.log; systemctl restart leader")
    assert "stays closed to the group news, which" in node.log("leader")
    assert not node.says("leader status", user="news")
    drop_in(node, "SupplementaryGroups=news")
    node.do(": > /var/log/leader.log; systemctl restart leader")
    assert "stays closed" not in node.log("leader")
    node.do("leader status", user="news")
    drop_in(node, "")


def test_fitness_sees_the_whole_machine(node: Machine) -> None:
    """Load and memory, processes of other users, and what is mounted after the agent's start."""
    more = """
[fitness]
interval = "1s"
rise = 1
fall = 1
max_load_per_cpu = 1000.0
max_memory = "99%"
min_free_disk = { "/var/lib" = "0%", "/home" = "0%" }
required_processes = ["redis-server"]
required_mounts = ["/mnt"]
"""
    configure(node, more)
    node.do("systemctl restart leader")
    until(lambda: "/mnt" in node.do("leader status default"), "it is unfit for want of the mount alone")
    assert "redis-server" not in node.do("leader status default")
    node.do("mount -t tmpfs tmpfs /mnt")
    until(lambda: node.says("leader is-leader"), "it is fit, and leads")
    node.do("umount /mnt")
    until(lambda: not node.says("leader is-leader"), "it is unfit again")


def test_password_comes_from_a_file_that_only_root_can_read(node: Machine) -> None:
    """By systemd's credentials and the drop-in for them; the configuration does not name it."""
    each = (
        "for port in "
        + " ".join(map(str, PORTS))
        + "; do redis-cli -p $port {} config set requirepass '{}'; done"
    )
    own = "/etc/systemd/system/leader.service.d"
    node.do(each.format("", "open-sesame"))
    node.write(PASSWORD, "open-sesame\n", 0o600)
    node.do(f"mkdir -p {own}; cp {DROP_INS}/password.conf {own}")
    try:
        lead(node)
        assert not node.says(f"cat {PASSWORD}", user="leader")
        assert "open-sesame" not in node.log("leader")
    finally:
        node.do(
            each.format("-a open-sesame", "")
            + f"; rm {PASSWORD} {own}/password.conf; systemctl daemon-reload"
        )


def test_password_that_the_five_minutes_write_is_read_after_the_words_for_the_package(node: Machine) -> None:
    """It is root's alone; the log names who cannot read it, and the README says how that user is let in."""
    readme = (PROJECT / "README.md").read_text()
    (writing,) = re.findall(rf"^(\(umask .* > {PASSWORD}\))$", readme, re.MULTILINE)
    (letting_in,) = re.findall(r"let at the password first\n\(`(.*?)`\)", readme)
    node.do(f"{writing}; : > /var/log/leader.log")
    try:
        configure(node, f'password_file = "{PASSWORD}"\n')
        assert node.run("systemctl restart leader").code != 0
        assert "must be a file that user leader can read (Permission denied)" in node.log("leader")
        node.do(f"{letting_in}; leader config check; systemctl restart leader")
    finally:
        node.do(f"rm {PASSWORD}; systemctl reset-failed leader || true")


def test_answer_is_for_everyone_who_has_a_crontab(node: Machine) -> None:
    """The socket is open to all users, by `leader` in the PATH that cron gives."""
    lead(node)
    node.do("PATH=/usr/bin:/bin leader is-leader", user="nobody")
    assert answer(node)["leader"] == "machine"
