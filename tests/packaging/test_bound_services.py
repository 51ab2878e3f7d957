"""Ordinary services and timers that run only on the node that leads, as the packaged units bind them.

A second agent on the same machine, `rival`, takes over whenever the first one gives up.
"""

import pytest

from tests.packaging.installed import lead
from tests.packaging.machine import Machine
from tests.support.polling import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "dpkg", "redis-server"),
    pytest.mark.timeout(300),
]
EXAMPLES = "/usr/share/doc/leader/examples/systemd"
UNITS = "/etc/systemd/system"
RIVAL = """\
[Service]
Type=notify
User=leader
Environment=LEADER_RUNTIME_DIR=/run/rival LEADER_STATE_DIR=/var/lib/rival
RuntimeDirectory=rival
StateDirectory=rival
ExecStart=/usr/bin/leader agent --node rival
"""
ASK_RIVAL = "LEADER_SOCKET=/run/rival/leader.sock leader"
WORKER = f"""\
#!/bin/sh
# Notes at its end what the rival says of itself.
trap '{ASK_RIVAL} is-leader; echo $? >> /tmp/ends; exit' TERM
echo started >> /tmp/starts
sleep infinity &
wait
"""


@pytest.fixture(scope="module")
def bound(node: Machine) -> Machine:
    """A machine whose worker is bound to leadership, with a rival that stands by."""
    node.write(f"{UNITS}/rival.service", RIVAL)
    node.write("/usr/local/bin/worker", WORKER, 0o755)
    node.write("/usr/local/bin/report", "#!/bin/sh\necho reported >> /tmp/reports\n", 0o755)
    node.write(f"{UNITS}/worker.service.d/asks.conf", "[Service]\nKillMode=mixed\n")
    node.do(f"cp {EXAMPLES}/worker.service {EXAMPLES}/report.* {UNITS}")
    lead(node)
    node.do("systemctl enable worker; systemctl start rival leader-contend@default")
    until(lambda: works(node), "the worker works")
    return node


def works(node: Machine) -> bool:
    """Whether the worker runs."""
    return node.says("systemctl is-active --quiet worker") and node.says("test -e /tmp/starts")


def lead_again(node: Machine) -> None:
    """Let this node lead, and not the rival."""
    node.do("leader resume")
    node.do(f"{ASK_RIVAL} pause; {ASK_RIVAL} resume")
    until(lambda: works(node), "the worker works again")


def test_service_stops_before_another_node_leads_and_comes_back_with_the_leadership(bound: Machine) -> None:
    """At a hand-over the lease is kept until the service has stopped, by its own account."""
    bound.do("rm -f /tmp/ends; leader pause")
    until(lambda: bound.says(f"{ASK_RIVAL} is-leader"), "the rival leads")
    assert bound.do("cat /tmp/ends") == "1"
    assert not works(bound)
    assert bound.shown("leader-held@default", "ActiveState") == "inactive"
    assert bound.shown("leader-contend@default", "ActiveState") == "active"
    lead_again(bound)
    assert bound.shown("leader-held@default", "ActiveState") == "active"


def test_service_is_not_started_by_hand_on_a_node_that_does_not_lead(bound: Machine) -> None:
    """The unit that it is bound to refuses."""
    bound.do("leader pause")
    until(lambda: bound.says(f"{ASK_RIVAL} is-leader"), "the rival leads")
    assert bound.run("systemctl start worker").code != 0
    assert not works(bound)
    lead_again(bound)


def test_service_stops_when_nobody_watches_the_leadership_any_more(bound: Machine) -> None:
    """`leader run` is killed: its service takes all that is bound to it along, and is started again."""
    starts = bound.do("wc -l < /tmp/starts")
    bound.do("systemctl kill --kill-whom=main --signal=KILL leader-contend@default")
    until(lambda: bound.do("wc -l < /tmp/starts") != starts, "the worker was started again")
    assert works(bound)


def test_timer_runs_its_service_only_on_the_leader(bound: Machine) -> None:
    """ExecCondition: elsewhere it is skipped, which is no failure."""
    bound.do("systemctl start report.timer; systemctl start report")
    assert bound.do("cat /tmp/reports") == "reported"
    bound.do("leader pause")
    until(lambda: not bound.says("leader is-leader"), "it leads no more")
    bound.do("systemctl start report")
    assert bound.do("cat /tmp/reports") == "reported"
    assert bound.shown("report", "Result") == "exec-condition"
    assert not bound.says("systemctl is-failed report")
    bound.do("systemctl stop leader")
    bound.do("systemctl start report")
    assert bound.do("cat /tmp/reports") == "reported", "not knowing counts as no"
    bound.do("systemctl start leader")
    lead_again(bound)
