"""What can befall an agent: its process, descriptors, disk, share of the processor, planned ends."""

import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from leader.api.unix import UnixConnection
from leader.clock import now_ns
from tests.chaos.history import NS_PER_S, SET_CLOCK
from tests.chaos.kinds import Aim, On, kind
from tests.support.polling import until

BUSY = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"
LOOPS = 3
"""More than this machine may have processors to spare."""
LONGEST_LOOP_S = 4
IDLE_NICE = 19
STEP_DOWN_WITHIN_S = 2.0
CLOCK_STEPS_LEASES = (0.15, 0.5, 5.0)
"""No more: `leader once` and `leader quorum` count on clocks that are some seconds apart at most."""
CLOCK_NUDGES_LEASES = (0.01, 0.04)
"""Two of them within one look are no step either."""


@kind("agent killed", On.AGENT, spares_one=True)
def killed(aim: Aim) -> Iterator[None]:
    """`kill -9`, and started again later, as a service manager does."""
    aim.node.kill()
    yield
    aim.node.start(wait=False)


@kind("agent ended", On.AGENT, spares_one=True)
def ended(aim: Aim) -> Iterator[None]:
    """SIGTERM, so it hands over; started again later."""
    aim.node.signal(signal.SIGTERM)
    yield
    aim.node.wait()
    aim.node.start(wait=False)


@kind("agent reloaded", On.AGENT, longest_leases=0.5, spares_one=True)
def reloaded(aim: Aim) -> Iterator[None]:
    """SIGHUP: the process executes itself anew, and resumes what it holds, if it has started."""
    if aim.node.answers():
        aim.node.signal(signal.SIGHUP)
    yield


@kind("agent stopped", On.AGENT)
def stopped(aim: Aim) -> Iterator[None]:
    """SIGSTOP, shorter or longer than the lease, and SIGCONT."""
    aim.node.signal(signal.SIGSTOP)
    yield
    aim.node.signal(signal.SIGCONT)


@kind("stepped down", On.AGENT, longest_leases=0.5)
def stepped_down(aim: Aim) -> Iterator[None]:
    """It is asked to hand over, which it does if it leads."""
    connection = UnixConnection(str(aim.node.socket), now_ns() + int(STEP_DOWN_WITHIN_S * NS_PER_S))
    try:
        connection.request("POST", "/v1/elections/default/step-down", b"{}")
        connection.getresponse().read()
    except OSError:
        aim.lab.timeline.tell(f"stepped down: {aim.node} does not answer")
    finally:
        connection.close()
    yield


@kind("agent out of descriptors", On.AGENT)
def out_of_descriptors(aim: Aim) -> Iterator[None]:
    """It may open none beside those that it has."""
    pid = aim.node.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (aim.node.descriptors, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


@kind("agent's disk full", On.AGENT)
def disk_full(aim: Aim) -> Iterator[None]:
    """Nothing can be written where it keeps its state."""
    aim.node.fill_disk()
    yield
    aim.node.free_disk()


@kind("agent starved", On.AGENT, longest_leases=2.0)
def starved(aim: Aim) -> Iterator[None]:
    """It has the least right to the processor, and others are busy."""
    pid, nice = aim.node.pid, os.getpriority(os.PRIO_PROCESS, aim.node.pid)
    os.setpriority(os.PRIO_PROCESS, pid, IDLE_NICE)
    loops = [subprocess.Popen([sys.executable, "-c", BUSY, str(LONGEST_LOOP_S)]) for _ in range(LOOPS)]
    yield
    for loop in loops:
        loop.kill()
        loop.wait()
    os.setpriority(os.PRIO_PROCESS, pid, nice)


@kind("names hang", On.AGENT)
def names_hang(aim: Aim) -> Iterator[None]:
    """Its name server is silent, and its connections are cut, so that it asks for names again."""
    aim.node.order(names_hang=True, cut=True, at=[server.number for server in aim.lab.servers])
    yield
    aim.node.order(names_hang=False)


@kind(SET_CLOCK, On.AGENT, least_leases=1.0, needs_clock=True)
def clock_set(aim: Aim) -> Iterator[None]:
    """The wall clock of its node is set, by more than a tenth of the lease, while it runs."""
    step_clock(aim, CLOCK_STEPS_LEASES)
    yield


@kind("agent's clock nudged", On.AGENT, least_leases=1.0, needs_clock=True)
def clock_nudged(aim: Aim) -> Iterator[None]:
    """The wall clock of its node is set by less than that, and it is to go on."""
    step_clock(aim, CLOCK_NUDGES_LEASES)
    yield


def step_clock(aim: Aim, leases: Sequence[float]) -> None:
    """Set it by one of these, towards what is true; one that is only starting would not notice."""
    until(aim.node.is_settled, "the agent has started")
    ahead_s = aim.node.clock.ahead_s
    sign = -math.copysign(1, ahead_s) if ahead_s else aim.random.choice((-1, 1))
    step_s = aim.random.choice(leases) * sign * aim.lab.shape.lease_ms / 1000
    aim.lab.timeline.tell(f"the wall clock of {aim.node} moves by {step_s:g} s")
    aim.node.clock.step(step_s)
