"""Ordinary services and timers that run only on the node that leads: the examples, and the packaged units.

A second agent on the same machine, `rival`, takes over whenever the first one gives up.
"""

import pytest

from tests.packaging.installed import lead
from tests.packaging.machine import Machine
from tests.support.examples import example
from tests.support.polling import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "dpkg", "redis-server"),
    pytest.mark.timeout(300),
]
EXAMPLES = "/usr/share/doc/leader/examples/systemd"
WORKER_UNIT, TIMED, TIMER = (
    "systemd/worker.service",
    "systemd/health-check.service",
    "systemd/health-check.timer",
)
UNITS = "/etc/systemd/system"
EACH_SECOND = "[Timer]\nOnCalendar=\nOnCalendar=*:*:*\n"
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
    node.write("/usr/local/bin/health-check.py", "#!/bin/sh\necho checked >> /tmp/checks\n", 0o755)
    node.write(f"{UNITS}/worker.service.d/asks.conf", "[Service]\nKillMode=mixed\n")
    node.write(f"{UNITS}/health-check.timer.d/often.conf", EACH_SECOND)
    for path in (WORKER_UNIT, TIMED, TIMER):
        node.do(f"cp {EXAMPLES}/{example(path).name} {UNITS}")
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
    """ExecCondition: elsewhere, and where nobody can say, it is skipped, which is no failure."""
    bound.do("systemctl start health-check.timer")
    until(lambda: bound.says("test -s /tmp/checks"), "the timer has started it")
    bound.do("leader pause")
    until(lambda: not bound.says("leader is-leader"), "it leads no more")
    assert_skipped(bound)
    bound.do("systemctl stop leader")
    assert_skipped(bound)
    bound.do("systemctl stop health-check.timer; systemctl start leader")
    lead_again(bound)


def assert_skipped(bound: Machine) -> None:
    """The timer goes on, and what it starts does nothing, without having failed."""
    until(lambda: bound.shown("health-check", "Result") == "exec-condition", "it is skipped")
    checks = bound.do("wc -l < /tmp/checks")
    for _ in range(2):
        last = bound.shown("health-check.timer", "LastTriggerUSec")
        until(lambda: bound.shown("health-check.timer", "LastTriggerUSec") != last, "it ticks")  # noqa: B023
    assert bound.do("wc -l < /tmp/checks") == checks
    assert not bound.says("systemctl is-failed health-check")
