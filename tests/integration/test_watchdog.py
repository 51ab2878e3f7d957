"""A machine is reset if its agent stands still while it leads, and never else: on real agents.

The device is a FIFO that counts down as the kernel's does (`tests/support/watchdogs.py`); a reset of the
machine is SIGKILL for its agent. No real device was at hand: the kernel's own part is not tested.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from leader.clock import now_ns
from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import PROJECT, Cluster, Node, Settings, quorum_of, short_directory, term_of
from tests.support.polling import NS_PER_S, PATIENCE_S, always, until
from tests.support.watchdogs import StandIn, stand_in

pytestmark = [pytest.mark.xdist_group("watchdog"), pytest.mark.skipif(os.name != "posix", reason="FIFOs")]
LEASE_S = 4
TIMEOUT_S = 3
STUBBORN = 'trap "" TERM; touch {}; while :; do sleep 9; done'


@pytest.fixture(scope="module")
def servers() -> Iterator[EmbeddedQuorum]:
    """Three of them, which keep a lease of four seconds."""
    with quorum_of(3) as quorum:
        yield quorum


class Machine:
    """One node with a device of its own."""

    def __init__(self, node: Node, directory: Path, stack: ExitStack) -> None:
        self.node = node
        self.device: StandIn = stack.enter_context(stand_in(directory, node.kill))
        command = node.command
        node.command = lambda *words: [  # type: ignore[method-assign]
            command()[0],
            str(self.device.program),
            str(self.device.path),
            *words,
        ]

    def guard(self, quorum: EmbeddedQuorum, mode: str = "required", device: str = "") -> None:
        """Configure the device, for the next start or reload."""
        more = f'[watchdog]\nmode = "{mode}"\ndevice = "{device or self.device.path}"'
        self.node.configure(Settings(quorum.urls, f"{LEASE_S}s", more=more))


@contextmanager
def machines(
    quorum: EmbeddedQuorum, names: str = "a", mode: str = "required"
) -> Iterator[dict[str, Machine]]:
    """Machines that are guarded; their agents do not run yet."""
    with short_directory() as directory, ExitStack() as stack:
        cluster = Cluster(directory, Settings(quorum.urls, f"{LEASE_S}s"), names, quorum)
        stack.callback(cluster.__exit__)
        made = {}
        for name, node in cluster.nodes.items():
            (directory / f"{name}-device").mkdir()
            made[name] = Machine(node, directory / f"{name}-device", stack)
            made[name].guard(quorum, mode)
        yield made


def leading(machine: Machine) -> Machine:
    """It, once its agent runs and leads."""
    if not machine.node.runs:
        machine.node.start()
    until(machine.node.leads, f"{machine.node} leads")
    return machine


def started(node: Node, *words: str) -> subprocess.Popen[bytes]:
    """`leader` with these words, as a process of this node."""
    return subprocess.Popen(
        [sys.executable, "-m", "leader", *words],
        env=node.places(),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_leader_keeps_the_device_alive_and_stops_it_when_it_hands_over(servers: EmbeddedQuorum) -> None:
    """With three seconds for a lease of four; each gap is shorter; at the end stands the magic close."""
    with machines(servers) as made:
        machine = leading(made["a"])
        device, node = machine.device, machine.node
        always(node.leads, "it leads", LEASE_S)
        assert device.timeout_s == TIMEOUT_S
        assert b"V" not in device.written.rstrip(b"V")
        assert len(device.gaps_ns) >= 2
        assert max(device.gaps_ns) < TIMEOUT_S * NS_PER_S
        answer = node.leadership()
        assert answer is not None
        assert answer.remaining_ms <= TIMEOUT_S * 1000 - LEASE_S * 100
        assert f"the watchdog {device.path} (Stand-in) guards what this node leads" in node.log()
        node.run("pause")
        until(lambda: device.is_stopped, "it is stopped")
        assert device.reset_at is None


def test_a_machine_whose_agent_stands_still_is_reset_before_another_node_leads(
    servers: EmbeddedQuorum,
) -> None:
    """The moment of the reset is before the other's first yes."""
    with machines(servers, "ab") as made:
        first = leading(made["a"])
        made["b"].node.start()
        until(lambda: len(first.node.status()["nodes"]) == 2, "they know each other")
        first.node.signal(signal.SIGSTOP)
        until(made["b"].node.leads, "the other leads")
        led_at = now_ns()
        reset_at = first.device.reset_at
        assert reset_at is not None
        assert reset_at < led_at
        assert not first.node.runs


@contextmanager
def without_majority(quorum: EmbeddedQuorum) -> Iterator[None]:
    """Two of three servers hang meanwhile."""
    for index in (0, 1):
        quorum.hang(index)
    try:
        yield
    finally:
        for index in (0, 1):
            quorum.resume(index)


def test_a_machine_that_loses_the_quorum_is_not_reset(servers: EmbeddedQuorum) -> None:
    """It stops leading, and kills even a stubborn job, a margin before the device acts."""
    with machines(servers) as made, short_directory() as directory:
        machine = leading(made["a"])
        began = directory / "began"
        job = started(machine.node, "run", "--", "sh", "-c", STUBBORN.format(began))
        until(began.exists, "the job runs")
        with without_majority(servers):
            until(lambda: not machine.node.leads(), "it leads no more")
            until(lambda: machine.device.is_stopped, "it is stopped")
            assert job.wait(PATIENCE_S) == 75
        leading(machine)
        assert machine.node.stop() == 0
        until(lambda: machine.device.is_stopped, "it is stopped")
        assert machine.device.reset_at is None


def test_a_reload_leaves_the_device_running_and_one_that_switches_it_off_stops_it(
    servers: EmbeddedQuorum,
) -> None:
    """The new process finds it open: no magic close, and no gap that is too long."""
    with machines(servers) as made:
        machine = leading(made["a"])
        node, device = machine.node, machine.device
        term = term_of(node)
        count = len(device.written)
        node.signal(signal.SIGHUP)
        until(lambda: node.log().count("agent starts") == 2 and node.leads(), "it leads after the reload")
        until(lambda: len(device.written) > count + 2, "it keeps it alive")
        assert b"V" not in device.written[count:]
        assert term_of(node) == term
        machine.guard(servers, "off")
        node.signal(signal.SIGHUP)
        until(lambda: device.is_stopped, "it is stopped")
        until(lambda: node.log().count("agent starts") == 3 and node.leads(), "it leads without")
        assert device.reset_at is None


def test_a_device_that_cannot_be_stopped_is_kept_alive_while_the_agent_runs(servers: EmbeddedQuorum) -> None:
    """With nowayout, also while it does not lead; at its end the log says that the machine will be reset."""
    with machines(servers) as made:
        machine = made["a"]
        machine.device.say("nowayout")
        node, device = leading(machine).node, machine.device
        node.run("pause")
        until(lambda: "cannot be stopped (nowayout): it is kept alive" in node.log(), "it is told")
        count = len(device.written)
        until(lambda: len(device.written) > count + 2, "it is kept alive")
        assert max(device.gaps_ns) < TIMEOUT_S * NS_PER_S
        assert node.stop() == 0
        assert f"runs on, and resets this machine within {TIMEOUT_S} s" in node.log()
        until(lambda: device.reset_at, "it resets the machine")
        assert b"V" not in device.written


def test_a_node_without_the_device_that_it_needs_does_not_contend_and_says_why(
    servers: EmbeddedQuorum,
) -> None:
    """It leads once the device is there; where it is only wished for, it leads without."""
    with machines(servers) as made:
        machine, node = made["a"], made["a"].node
        absent = machine.device.path.with_name("absent")
        machine.guard(servers, device=str(absent))
        node.start()
        why = f"the watchdog {absent} cannot be opened: it is not there"
        until(lambda: node.reason() == f"unfit: {why}", "it says why it does not lead")
        assert why in node.run("status").output
        assert "this node is unfit: the watchdog" in node.run("health").output
        assert node.run("doctor", "--config", str(node.config)).output.count(why) >= 1
        machine.device.path.with_name("absent").symlink_to(machine.device.path)
        leading(machine)
        assert node.run("health").code == 0
        assert node.stop() == 0
        absent.unlink()
        machine.guard(servers, "automatic", device=str(absent))
        leading(machine)
        assert f"{why}; this node leads without" in node.log()


def test_a_device_that_fails_is_found_out_before_anything_is_claimed(
    servers: EmbeddedQuorum,
) -> None:
    """It is started first, and told that the agent is alive: /dev/full refuses."""
    with machines(servers) as made:
        machine, node = made["a"], made["a"].node
        machine.guard(servers, device="/dev/full")
        node.start()
        until(lambda: "the watchdog /dev/full cannot be kept alive" in node.reason(), "it says why")
        assert "info    this node leads" not in node.log()
