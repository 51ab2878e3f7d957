"""A cluster made up by hand: five instances, three nodes, two elections, one instance down."""

from dataclasses import asdict, replace
from typing import Any

from leader.protocol.snapshot import (
    AgentView,
    ElectionView,
    InstanceView,
    JobView,
    LeadershipView,
    NodeView,
    PauseView,
    Role,
    RunView,
    VitalsView,
    VoteView,
)

TERM = 1_790_000_000_000


def vote(instance: str, state: str = "held", holder: str = "web-1", *, granted: bool = False) -> VoteView:
    """One instance's record."""
    return VoteView(instance, state, TERM if state != "unknown" else 0, holder, 1200, granted)


def instance(name: str, problem: str = "") -> InstanceView:
    """One instance; with a problem it has not answered for 40 s."""
    if problem:
        return InstanceView(
            name, f"redis://{name}:6379", False, 40_000, None, None, "", "", problem, {"refused": 12}
        )
    return InstanceView(
        name, f"redis://{name}:6379", True, 120, 0.418, 1.204, f"run-{name}:repl", "Valkey 9.1.2", "", {}
    )


def node(name: str, role: str, priority: int = 100) -> NodeView:
    """One node in good health."""
    roles = {"default": role, "reports": "observer"}
    return NodeView(
        name=name,
        seen_ms_ago=900,
        version="0.1.0",
        generation=3,
        roles=roles,
        priority={"default": priority, "reports": 0},
        paused=False,
        fit=True,
        reason="",
        sees_majority=True,
        vitals=VitalsView(0.4, 61.5, {"/": 40.2}),
    )


DEFAULT = ElectionView(
    election="default",
    role=Role.CANDIDATE,
    leader="web-1",
    term=TERM,
    since_ms=192_000,
    remaining_ms=0,
    priority=100,
    preempt=False,
    reason="web-1 leads",
    takeover_in_ms=8100,
    votes=(*(vote(name) for name in "abcd"), vote("e", "unknown", "")),
)
LED = replace(
    DEFAULT,
    role=Role.HOLDER,
    leader="web-2",
    remaining_ms=8234,
    reason="",
    takeover_in_ms=None,
    votes=tuple(vote(name, holder="web-2", granted=True) for name in "abcde"),
)
REPORTS = ElectionView(
    election="reports",
    role=Role.OBSERVER,
    leader="",
    term=0,
    since_ms=192_000,
    remaining_ms=0,
    priority=0,
    preempt=False,
    reason="this node only observes: its priority is 0",
    takeover_in_ms=None,
    votes=tuple(vote(name, "fresh", "") for name in "abcde"),
)
CLUSTER = AgentView(
    cluster="prod",
    node="web-2",
    version="0.1.0",
    lease_ms=10_000,
    generation=3,
    majority=3,
    tolerates=1,
    verdict="4 of 5 instances answer; 1 more may fail",
    pause=None,
    unfit="",
    elections=(DEFAULT, REPORTS),
    instances=(
        *(instance(name) for name in "abcd"),
        instance("e", "instance e does not answer at e:6379: start it, or mend the network between"),
    ),
    nodes=(node("web-1", "holder"), node("web-2", "candidate"), node("web-3", "candidate", 50)),
)

PAUSE = PauseView("kernel upgrade", "uid 0, pid 4711", "2026-11-25T07:30:00Z", 22 * 60_000)
PAST = (
    LeadershipView("default", TERM, "web-1", "2026-11-25T07:00:00Z", "", 720_000, "", "", None),
    LeadershipView("reports", 7, "web-7", "2026-11-25T06:00:00Z", "", 720_000, "", "", None),
    LeadershipView(
        "default",
        TERM - 1,
        "web-2",
        "2026-11-24T07:00:00Z",
        "2026-11-25T06:59:49Z",
        86_389_000,
        "frozen",
        "the agent stood still for 14 s",
        11_000,
    ),
    LeadershipView(
        "default",
        TERM - 2,
        "web-3",
        "2026-11-24T06:50:00Z",
        "2026-11-24T07:00:00Z",
        600_000,
        "handed-over",
        "handed over to web-2",
        12,
    ),
)
"""Leaderships, the newest first."""

DEAD = "instance {0} does not answer at {0}:6379: start it, or mend the network between"
LEADERS = {"default": "web-1", "billing-export": "web-3", "reports": "web-2"}


def states(name: str) -> dict[str, str]:
    """The role of a node in each of these elections."""
    return {election: "holder" if leader == name else "candidate" for election, leader in LEADERS.items()}


HEALTHY = replace(
    CLUSTER,
    tolerates=2,
    verdict="5 of 5 instances answer; 2 more may fail",
    elections=(
        replace(DEFAULT, votes=tuple(vote(name) for name in "abcde")),
        replace(DEFAULT, election="billing-export", leader="web-3", reason="web-3 leads"),
        replace(LED, election="reports"),
    ),
    instances=tuple(instance(name) for name in "abcde"),
    nodes=tuple(
        replace(node(name, ""), roles=states(name), priority=dict.fromkeys(LEADERS, priority))
        for name, priority in (("web-1", 100), ("web-2", 100), ("web-3", 50))
    ),
    jobs=(
        JobView(
            "nightly-report",
            "reports",
            0,
            0,
            (RunView("2026-11-25T03:00:00Z", "done", "web-2", TERM, 17_000_000, 73_000, 0),),
        ),
        JobView(
            "send-mails",
            "default",
            1,
            0,
            (RunView("2026-11-25T07:45:00Z", "failed", "web-1", TERM, 61_000, 900, 75),),
        ),
    ),
)


def lone(name: str) -> NodeView:
    """A candidate of the one election there is."""
    return replace(node(name, ""), roles={"default": "candidate"}, priority={"default": 100})


FEW = "2 of 5 instances answer, at least 1 more must"
NO_MAJORITY = replace(
    CLUSTER,
    tolerates=-1,
    verdict="no majority: 2 of 5 instances answer, and nobody can lead without 3",
    elections=(
        replace(
            DEFAULT,
            leader="",
            reason=FEW,
            takeover_in_ms=None,
            votes=(*(vote(name) for name in "ab"), *(vote(name, "unknown", "") for name in "cde")),
        ),
    ),
    instances=(*(instance(name) for name in "ab"), *(instance(name, DEAD.format(name)) for name in "cde")),
    nodes=(
        replace(lone("web-1"), sees_majority=False),
        replace(lone("web-2"), sees_majority=False, seen_ms_ago=14_000),
    ),
)
WHY_PAUSED = "paused: kernel upgrade"
PAUSED = replace(
    HEALTHY,
    pause=PAUSE,
    elections=tuple(
        replace(
            HEALTHY.elections[0],
            election=election,
            leader="web-3" if leader == "web-2" else leader,
            reason=WHY_PAUSED,
        )
        for election, leader in LEADERS.items()
    ),
    nodes=(
        HEALTHY.nodes[0],
        replace(
            HEALTHY.nodes[1],
            roles=states(""),
            paused=True,
            reason="kernel upgrade, ticket 4711 of the hosting team",
        ),
        replace(HEALTHY.nodes[2], roles={**states("web-3"), "reports": "holder"}),
    ),
    jobs=(),
)
FULL = "disk /var has 2% free, 5% are needed"
UNFIT = replace(
    PAUSED,
    pause=None,
    unfit=FULL,
    elections=tuple(replace(election, reason=FULL) for election in PAUSED.elections),
    nodes=(
        PAUSED.nodes[0],
        replace(
            PAUSED.nodes[1],
            paused=False,
            fit=False,
            reason=FULL,
            vitals=VitalsView(0.4, 61.5, {"/": 40, "/var": 2}),
        ),
        PAUSED.nodes[2],
    ),
)
VACANT = replace(
    HEALTHY,
    elections=tuple(
        replace(
            election,
            role=Role.CANDIDATE,
            leader="",
            reason="nobody leads yet: the records must stand for one lease before they may be taken",
        )
        for election in HEALTHY.elections
    ),
    nodes=tuple(replace(there, roles=states("")) for there in HEALTHY.nodes),
    jobs=(),
)


def document() -> dict[str, Any]:
    """The same as the API says it."""
    return asdict(CLUSTER)


def large(elections: int, nodes: int) -> AgentView:
    """A view of so many elections and nodes, each of which leads its share."""
    names = [f"election-{number:02}" for number in range(elections)]
    leaders = {name: f"node-{number * 7 % nodes:03}" for number, name in enumerate(names)}
    return replace(
        CLUSTER,
        node="node-001",
        elections=tuple(
            replace(
                LED if leaders[name] == "node-001" else DEFAULT,
                election=name,
                leader=leaders[name],
                reason="" if leaders[name] == "node-001" else f"{leaders[name]} leads",
                votes=tuple(vote(instance, holder=leaders[name]) for instance in "abcde"),
            )
            for name in names
        ),
        nodes=tuple(
            replace(
                node(f"node-{number:03}", "candidate"),
                roles={n: "holder" if leaders[n] == f"node-{number:03}" else "candidate" for n in names},
                priority=dict.fromkeys(names, 100),
                seen_ms_ago=number * 13 % 3000,
            )
            for number in range(nodes)
        ),
    )
