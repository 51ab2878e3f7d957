"""What cannot be planted in a server at will: clocks, slow links, certificates, forks, old versions."""

import pytest

from leader.doctor.finding import Finding
from leader.doctor.instances import DAY_MS, NS_PER_MS, Quorum, examine, shortest_lease_ms, speed
from leader.instances.answers import Kind
from leader.instances.examination import ClockSample, Examined
from leader.instances.problems import Problem
from leader.protocol.calls import Configuration
from leader.protocol.quorum import Voters

LEASE_MS = 10_000
NOW_MS = 1_790_000_000_000


def sound(name: str, **more: object) -> Examined:
    """An instance that nothing is wrong with, but for what is said."""
    values: dict[str, object] = {
        "server": "Redis 7.2.4",
        "process": f"{name}:x",
        "connect_ns": NS_PER_MS,
        "beats_ns": (NS_PER_MS,),
        "clocks": (ClockSample(0, 1), ClockSample(0, 1)),
    }
    return Examined(name, f"redis://{name}:6379/0", "default", **(values | more))  # type: ignore[arg-type]


def found(*examined: Examined) -> list[Finding]:
    """What is found with two sound instances beside."""
    return examine(quorum_of(*examined, sound("r8"), sound("r9")), NOW_MS)


def quorum_of(*examined: Examined) -> Quorum:
    """A quorum that lists these."""
    voters = Voters((tuple(one.name for one in examined),))
    return Quorum(examined, Configuration(1, "f", LEASE_MS), voters)


@pytest.mark.parametrize(
    ("others", "what_it_means"),
    [
        (2, "2 of 3 instances vote: if one more fails, nobody can lead"),
        (4, "4 of 5 instances vote: 1 more may fail"),
    ],
)
def test_an_instance_that_gives_no_vote_says_what_that_means_for_the_others(
    others: int, what_it_means: str
) -> None:
    """How many more may fail; what is wrong is the instance's own sentence, with its remedy."""
    problem = Problem(Kind.BUSY, "instance r1 does not answer; see why")
    silent = Examined("r1", "redis://r1:6379/0", "default", problem)
    beside = [sound(f"r{at}") for at in range(2, 2 + others)]
    (finding,) = examine(quorum_of(silent, *beside), NOW_MS)
    assert (finding.why, finding.remedy) == (what_it_means, "see why")


def test_nothing_is_found_in_what_is_sound() -> None:
    """Silence means that all is well."""
    assert found(sound("r1")) == []


@pytest.mark.parametrize(
    ("more", "code", "remedy"),
    [
        (
            {"clocks": (ClockSample(5000, 1),) * 2},
            "instance-clock",
            "on instance r1, install and start chrony",
        ),
        ({"clocks": (ClockSample(0, 1), ClockSample(900, 1))}, "instance-clock-jump", "slewed, not set"),
        ({"connect_ns": 1200 * NS_PER_MS}, "instance-slow", "quorum.lease to 12s or more on every node"),
        ({"beats_ns": (NS_PER_MS, 600 * NS_PER_MS)}, "instance-slow", "quorum.lease to 12s or more"),
        ({"certificate_ends_ms": NOW_MS + 3 * DAY_MS}, "instance-certificate", "renew it there"),
        ({"server": "Redis 5.0.14"}, "instance-old", "install a later version"),
        ({"info": {"latest_fork_usec": "1500000"}}, "instance-fork", "turn saving off there"),
        ({"info": {"rdb_last_bgsave_status": "err"}}, "instance-persistence", "free space there"),
        ({"info": {"maxmemory_policy": "allkeys-lru"}}, "instance-policy", "maxmemory-policy noeviction"),
        ({"info": {"maxmemory": "100", "used_memory": "95"}}, "instance-memory", "raise maxmemory there"),
        ({"info": {"maxclients": "10", "connected_clients": "10"}}, "instance-clients", "raise maxclients"),
        ({"process": "r9:x"}, "instance-duplicate", "list an independent server"),
    ],
)
def test_each_fault_is_told_with_its_remedy(more: dict[str, object], code: str, remedy: str) -> None:
    """One finding, of that code, that says what to do."""
    (finding,) = found(sound("r1", **more))
    assert finding.code == code
    assert remedy in finding.remedy
    assert "r1" in finding.what


def test_a_clock_that_differs_from_all_others_is_this_machines() -> None:
    """Three servers agree that we are behind, so nothing is wrong with theirs."""
    ahead = (ClockSample(4000, 1),) * 2
    (finding,) = examine(quorum_of(*(sound(n, clocks=ahead) for n in ("r1", "r2", "r3"))), NOW_MS)
    assert finding.code == "host-clock"
    assert "this machine is 4.0 s behind" in finding.what


def test_the_shortest_safe_lease_leaves_time_for_a_connection_and_two_beats() -> None:
    """Ten times the longer of both, as an agent waits for a tenth of it."""
    assert shortest_lease_ms(sound("r1", connect_ns=30 * NS_PER_MS, beats_ns=(9 * NS_PER_MS,))) == 300
    assert shortest_lease_ms(sound("r1", connect_ns=10 * NS_PER_MS, beats_ns=(9 * NS_PER_MS,))) == 180


def test_where_no_instance_answers_nothing_is_said_to_be_measured() -> None:
    """Zeroes would look like a fast network."""
    silent = Examined("r1", "redis://r1:6379/0", "default", Problem(Kind.BUSY, "instance r1 does not answer"))
    assert speed(quorum_of(silent)) == "no answer to measure, the lease is 10s"
    assert speed(quorum_of(silent, sound("r2"))).startswith("slowest answer 1.0 ms, shortest safe lease ")
