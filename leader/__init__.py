"""`leader`: leader election over a quorum of independent Redis servers.

Every machine (a *node*) runs one agent, `leader agent`. The agents contend for leases that they keep on a
majority of the instances; whoever holds one is told by the agent, on a Unix socket, to anybody who asks:
`leader is-leader && job`.

A map for readers. The whole behaviour is in four files, best read in this order:

1. `leader/protocol/__init__.py`    the promise, the rules by name, why they are safe, the words
2. `leader/protocol/elector.py`     the election: a pure state machine, time passed in
3. `leader/agent/agent.py`          the shell that waits, sends, and carries out what the elector says
4. `leader/instances/instance.py`   one Redis server: connect, run a script, answer within a deadline

Around them, arrows of import point down only:

    __main__    entry point: the fast paths of is-leader, run, once and fence, else the command line
    jobs        run: a command under a leadership, and the process tree that is ended with it;
                once: a command at most once per tick; fence: one under a file that knows the highest term
    manual      man pages and completions, made of what the command line says, and the chapters of the manual
    cli         one file per command; exceptions become a message and an exit code in main.py
    demo        the main job live on one machine: servers, agents, jobs, and what may go wrong
    doctor      what is wrong with a node, its quorum, its neighbours and crontabs: rules over what was found
    tui         what status, history, health, top and demo show, from snapshots
    agent       the running agent; beside the elections: fitness, steering by operators, history, pulse
    api         the local API: server for the agent, clients on the standard library alone
    instances   all that knows Redis; the Lua scripts
    config      TOML and environment into a frozen Config
    protocol    pure: values, rules, the elector; the read model in snapshot.py
    guard       how work under a leadership joins the agent, so that a hand-over waits for it
    claims      how a call of once claims its tick, stands for its run, and tells how that ended
    errors, clock, deaf, durations, names, paths     the base

Why it is built so: `leader/DESIGN.md`. The public names below load on first use, because
`is-leader` imports this package thousands of times a day and may not pay for the rest.
"""

__version__ = "0.1.0"

__all__ = [
    "AgentUnreachable",
    "AsyncClient",
    "AsyncLeading",
    "ClaimedTick",
    "Client",
    "LeaderError",
    "LeadershipLost",
    "Leading",
    "Refused",
    "Undecided",
    "UnknownElection",
    "UsageError",
    "__version__",
    "check",
    "is_leader",
    "term",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from leader.api.async_client import AsyncClient
    from leader.api.async_watch import AsyncLeading
    from leader.api.client import Client, check, is_leader
    from leader.api.once import ClaimedTick
    from leader.api.token import term
    from leader.api.watch import Leading
    from leader.errors import (
        AgentUnreachable,
        LeaderError,
        LeadershipLost,
        Refused,
        Undecided,
        UnknownElection,
        UsageError,
    )

_HOMES = {
    "AgentUnreachable": "leader.errors",
    "AsyncClient": "leader.api.async_client",
    "AsyncLeading": "leader.api.async_watch",
    "ClaimedTick": "leader.api.once",
    "Client": "leader.api.client",
    "LeaderError": "leader.errors",
    "LeadershipLost": "leader.errors",
    "Leading": "leader.api.watch",
    "Refused": "leader.errors",
    "Undecided": "leader.errors",
    "UnknownElection": "leader.errors",
    "UsageError": "leader.errors",
    "check": "leader.api.client",
    "is_leader": "leader.api.client",
    "term": "leader.api.token",
}


def __getattr__(name: str) -> object:
    """The public name, loaded from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'leader' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
