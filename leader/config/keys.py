"""What can each key of the configuration say, and what happens if it is left out?

The one place that documents them: `leader config init` writes its file from here, and `leader.toml(5)` is
made of it. That no key is missing, and that each default is in effect, is tested against what reads them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it takes, its default (in TOML or in words; empty: it must be there), and what it is for.

    `example` is what a new file shows, commented out unless `is_on`. `variable` wins over the file.
    """

    name: str
    takes: str
    default: str
    text: str
    example: str
    is_on: bool = False
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One table, empty for the outermost; `is_on`: a new file has it, `is_shown`: it has it at all."""

    name: str
    text: str
    keys: tuple[Key, ...]
    is_on: bool = False
    is_shown: bool = True


A_WHILE = "a duration from 100ms to 1h"
LEASES = "a duration from 1s to 1h"
COMMANDS = "a list of texts"
INSTANCES = """[
#   "redis://10.0.0.11:6379",
#   "redis://10.0.1.11:6379",
#   "rediss://10.0.2.11:6379",
]"""

CLUSTER = Key(
    "cluster",
    "a name",
    "",
    "The name that all nodes of one cluster share. All that they keep on the instances begins with "
    "leader:NAME: so several clusters can use the same servers.",
    '"main"',
    is_on=True,
    variable="LEADER_CLUSTER",
)

NODE = Key(
    "name",
    "a name",
    "the host name",
    "What this node is called; no two nodes of a cluster may have one name.",
    '"web-1"',
    variable="LEADER_NODE",
)

QUORUM = (
    Key(
        "instances",
        "a list of URLs, or a table of names and URLs",
        "",
        "The servers: redis://[USER[:PASSWORD]@]HOST[:PORT][/DB], rediss:// for TLS, or unix:///PATH[?db=N]. "
        "Three survive the loss of one, five of two. Every node must list the same servers, under addresses "
        "that mean the same server everywhere.",
        INSTANCES,
        is_on=True,
        variable="LEADER_QUORUM",
    ),
    Key(
        "lease",
        LEASES,
        '"10s"',
        "How long a crashed leader is still taken for the leader, at most. The same on every node.",
        '"10s"',
        is_on=True,
        variable="LEADER_LEASE",
    ),
    Key(
        "username",
        "a text",
        "none: the server's default user",
        "The ACL user of the instances whose URL names none.",
        '"agent"',
    ),
    Key(
        "password_file",
        "an absolute path",
        "systemd's credential leader.password, else none",
        "The file that holds the password of that user, or of a server with requirepass.",
        '"/etc/leader/password"',
        variable="LEADER_PASSWORD_FILE",
    ),
    Key(
        "generation",
        "a whole number from 1 on",
        "1",
        "Which step of a change of the quorum this file is: one more than before for each step.",
        "1",
        is_on=True,
    ),
)

TLS = (
    Key(
        "ca_file",
        "an absolute path",
        "the certificates that the system trusts",
        "The certificates that are trusted, and no others.",
        '"/etc/leader/ca.pem"',
    ),
    Key(
        "cert_file",
        "an absolute path",
        "none",
        "The certificate to show, where servers ask for one.",
        '"/etc/leader/client.pem"',
    ),
    Key("key_file", "an absolute path", "none", "The key to it.", '"/etc/leader/client.key"'),
)

PREVIOUS = (
    Key(
        "instances",
        "a list of URLs, or a table of names and URLs",
        "that of [quorum]",
        "The list before the change.",
        '["redis://10.0.0.11:6379"]',
    ),
    Key("lease", LEASES, "that of [quorum]", "The lease before the change.", '"10s"'),
)

ELECTION = (
    Key(
        "priority",
        "a whole number from 0 to 10000",
        "100",
        "Who has the higher one is preferred. With 0 this node never leads, it only observes.",
        "100",
        is_on=True,
    ),
    Key(
        "preempt",
        "true or false",
        "false",
        "Whether this node, when it leads, makes room for one of a higher priority.",
        "true",
    ),
    Key(
        "preempt_delay",
        "a duration from 1s to 24h",
        "three leases",
        "How long that one must have been able to lead before.",
        '"30s"',
    ),
    Key(
        "on_gained",
        COMMANDS,
        "[]",
        "Commands for /bin/sh -c that run in order when this node has become the leader. LEADER_EVENT, "
        "LEADER_TERM and LEADER_REASON are in their environment.",
        '["/usr/local/bin/gained"]',
    ),
    Key(
        "on_lost",
        COMMANDS,
        "[]",
        "The same for when it leads no more; a planned hand-over waits for them.",
        '["/usr/local/bin/lost"]',
    ),
    Key("hook_timeout", A_WHILE, '"10s"', "When each of these commands is ended at the latest.", '"10s"'),
)

FITNESS = (
    Key(
        "command",
        "a list of words, without a shell",
        "[]",
        "It ends with 0 while this node is fit; the last line that it printed is shown as the reason.",
        '["/usr/local/bin/fit"]',
    ),
    Key("interval", A_WHILE, '"10s"', "How often all of this is checked.", '"10s"'),
    Key("timeout", A_WHILE, '"5s"', "When the command is ended, and the check is bad.", '"5s"'),
    Key(
        "rise", "a whole number from 1 to 1000", "2", "How many good checks in a row make it fit again.", "2"
    ),
    Key("fall", "a whole number from 1 to 1000", "3", "How many bad checks in a row make it unfit.", "3"),
    Key(
        "max_load_per_cpu",
        "a number",
        "no limit",
        "The highest load average of a minute, divided by the number of processors.",
        "8.0",
    ),
    Key("max_memory", "a percentage", "no limit", "How much of the memory may be in use.", '"95%"'),
    Key(
        "min_free_disk",
        "a table of paths and percentages",
        "{}",
        "How much of the file system at each path must be free.",
        '{ "/" = "2%" }',
    ),
    Key("required_mounts", "a list of absolute paths", "[]", "What must be mounted.", '["/srv"]'),
    Key(
        "required_processes",
        "a list of names",
        "[]",
        "What must run: by the name that ps -e shows, or in full.",
        '["nginx"]',
    ),
)

WATCHDOG = (
    Key(
        "mode",
        '"off", "automatic" or "required"',
        '"off"',
        "automatic: where there is a device; required: without it this node does not lead.",
        '"automatic"',
    ),
    Key(
        "device",
        "an absolute path",
        '"/dev/watchdog"',
        "A board's own, or that of modprobe softdog; no other program may have it open.",
        '"/dev/watchdog"',
    ),
    Key(
        "safety_margin",
        "a duration from 100ms to 10m",
        "a tenth of the lease",
        "How long before the reset a leader that is not renewed stops leading, and its jobs are ended.",
        '"1s"',
    ),
)

API = (
    Key(
        "listen",
        "host and port",
        "nothing is served on TCP",
        "Where load balancers and monitoring may read, and only that, by HTTP.",
        '"127.0.0.1:8009"',
    ),
    Key(
        "group",
        "a name",
        '"leader"',
        "Whose members may step down, pause, resume, forget and claim ticks by leader once, as root and the "
        "agent's own user may.",
        '"leader"',
    ),
    Key(
        "socket_mode", "octal permissions", '"0666"', "Who may open the agent's socket, and so ask.", '"0666"'
    ),
)

SECTIONS = (
    Section("", "", (CLUSTER,), is_on=True),
    Section("node", "This machine.", (NODE,), is_on=True),
    Section(
        "quorum",
        "Independent Redis (6.2 or later) or Valkey servers: no replicas, no cluster, no Sentinel, none that "
        "evicts keys; and what all agents that share them must have in common.",
        QUORUM,
        is_on=True,
    ),
    Section(
        "quorum.tls", "For instances that are rediss://. The files are read at each new connection.", TLS
    ),
    Section(
        "quorum.previous",
        "Only while the list or the lease changes: what was there before. What is left out has not changed.",
        PREVIOUS,
        is_shown=False,
    ),
    Section(
        "elections.default",
        "What the nodes contend for, a table for each election: [elections.reports] would be another. With "
        "no such table there is one, called default.",
        ELECTION,
        is_on=True,
    ),
    Section(
        "fitness",
        "An unfit node does not lead, and hands over what it leads. With this table, all of it is checked.",
        FITNESS,
    ),
    Section(
        "watchdog",
        "A device that resets this machine if its agent stands still while it leads.",
        WATCHDOG,
    ),
    Section("api", "Who may ask this node's agent, and where.", API),
)

VARIABLES = tuple(key.variable for section in SECTIONS for key in section.keys if key.variable)
"""The environment variables that win over the file."""
