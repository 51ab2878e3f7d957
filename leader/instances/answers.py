"""Which sentence belongs to which error reply of a server?

A table, tried from the top. Patterns are looked for anywhere in the text: Redis up to 6.2 wraps every
error of a script, and Redis, Valkey and their versions word the rest differently. In a sentence, `{name}`,
`{place}` and `{user}` are the instance's, `{cluster}` is ours, the others are the groups of the pattern,
`{COMMAND}` in capitals.
"""

from dataclasses import dataclass
from enum import StrEnum

MINIMAL_ACL = (
    "resetkeys ~leader:{cluster}:* resetchannels &leader:{cluster}:* -@all +evalsha +script|load "
    "+hget +hmget +hset +hdel +hgetall +hlen +hexists +del +info +time +publish +subscribe "
    "+ping +select +client|setname"
)
"""All that agents of one cluster, `doctor` and `quorum` do at an instance, as ACL SETUSER takes it."""


class Kind(StrEnum):
    """What sort of problem it is."""

    NOT_AUTHENTICATED = "not-authenticated"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105  a kind of problem
    NO_PASSWORD_SET = "no-password-set"  # noqa: S105  a kind of problem
    NO_PERMISSION = "no-permission"
    PROTECTED = "protected"
    REPLICA = "replica"
    LOADING = "loading"
    BUSY = "busy"
    OUT_OF_MEMORY = "out-of-memory"
    CANNOT_SAVE = "cannot-save"
    TOO_FEW_REPLICAS = "too-few-replicas"
    CLUSTER = "cluster"
    SENTINEL = "sentinel"
    EVICTS = "evicts"
    SCRIPT_FORGOTTEN = "script-forgotten"
    KEY = "key"
    TOO_MANY_CLIENTS = "too-many-clients"
    UNKNOWN_COMMAND = "unknown-command"
    DATABASE = "database"
    UNEXPECTED = "unexpected"
    PROTOCOL = "protocol"
    CERTIFICATE = "certificate"
    PLAIN_PORT = "plain-port"
    TLS = "tls"
    UNUSABLE_FILE = "unusable-file"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NAME_NOT_FOUND = "name-not-found"
    RESOLVER_HUNG = "resolver-hung"
    NO_SOCKET = "no-socket"
    SOCKET_FORBIDDEN = "socket-forbidden"
    CONNECTION_LOST = "connection-lost"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Row:
    """An error that says `pattern` somewhere is of this kind, and told by this sentence."""

    kind: Kind
    pattern: str
    sentence: str


_NOT_ALLOWED = "instance {name} does not let user {user} "
_GRANT = "; allow it there: ACL SETUSER {user} "
_A_CLUSTER = (
    "instance {name} is a node of a Redis Cluster, which forgets writes at a fail-over, so it cannot vote; "
    "list an independent server instead"
)
_A_REPLICA = (
    "instance {name} is a replica, so it cannot vote; list an independent master instead, "
    "or make it one with REPLICAOF NO ONE"
)

ANSWERS: tuple[Row, ...] = (
    Row(
        Kind.KEY,
        r"LEADERKEY wrongtype (?P<key>\S+)",
        "instance {name} keeps something foreign under the key {key}; move that program elsewhere, "
        "then remove it with: DEL {key}",
    ),
    Row(
        Kind.KEY,
        r"LEADERKEY unreadable (?P<key>\S+)",
        "instance {name} keeps something under the key {key} that leader did not write; "
        "find out who did, then remove it with: DEL {key}",
    ),
    Row(
        Kind.KEY,
        r"LEADERKEY newer (?P<key>\S+)",
        "instance {name} keeps a record of a later version of leader under {key}; upgrade this node's",
    ),
    Row(
        Kind.NO_PERMISSION,
        r"LEADERCOMMAND (?P<command>\w+) .*(?:can't run this command|no permissions to run)",
        _NOT_ALLOWED + "run {COMMAND}" + _GRANT + "+{command}",
    ),
    Row(
        Kind.NO_PERMISSION,
        r"no permissions to run the '(?P<command>[^']+)' command",
        _NOT_ALLOWED + "run {COMMAND}" + _GRANT + "+{command}",
    ),
    Row(
        Kind.NO_PERMISSION,
        r"can't run this command or subcommand",
        _NOT_ALLOWED + "run a command of the script" + _GRANT + MINIMAL_ACL,
    ),
    Row(
        Kind.NO_PERMISSION,
        r"(?i)(?:can't publish to|permissions to access).* channel",
        _NOT_ALLOWED + "use the channel for notices" + _GRANT + "&leader:{cluster}:*",
    ),
    Row(
        Kind.NO_PERMISSION,
        r"(?i)(?:can't access at least one of the keys|permissions to access.* key)",
        _NOT_ALLOWED + "use leader's keys" + _GRANT + "~leader:{cluster}:*",
    ),
    Row(
        Kind.NO_PERMISSION,
        r"NOPERM|ACL failure",
        _NOT_ALLOWED + "do all that an agent does" + _GRANT + MINIMAL_ACL,
    ),
    Row(
        Kind.NO_PASSWORD_SET,
        r"without any password configured|no password is set",
        "instance {name} has no password, but this node sends one; set requirepass there, "
        "or remove password_file and the password in the URL here",
    ),
    Row(
        Kind.WRONG_PASSWORD,
        r"WRONGPASS|(?i:invalid password|invalid username)",
        "instance {name} refuses the password of user {user}, or has disabled that user; "
        "correct username and password_file under [quorum], or the URL",
    ),
    Row(
        Kind.NOT_AUTHENTICATED,
        r"NOAUTH|(?i:authentication required)",
        "instance {name} wants a password; set password_file (and username, with an ACL user) under [quorum]",
    ),
    Row(
        Kind.PROTECTED,
        r"DENIED|protected mode",
        "instance {name} is in protected mode, so it serves its own machine only; set a password there, "
        "or its bind address, or protected-mode no in a network that you trust",
    ),
    Row(
        Kind.REPLICA,
        r"MASTERDOWN",
        "instance {name} is a replica that has lost its master, so it cannot vote; "
        "list an independent master instead",
    ),
    Row(Kind.REPLICA, r"READONLY", _A_REPLICA),
    Row(
        Kind.LOADING,
        r"LOADING",
        "instance {name} is still loading its data from disk; wait until it has, or empty it: "
        "an instance needs no data to vote",
    ),
    Row(
        Kind.BUSY,
        r"\bBUSY\b",
        "instance {name} is blocked by a script that runs for too long; end it there with SCRIPT KILL",
    ),
    Row(
        Kind.OUT_OF_MEMORY,
        r"\bOOM\b|(?i:out of memory)",
        "instance {name} is full and refuses writes; raise maxmemory there, or move other data elsewhere",
    ),
    Row(
        Kind.CANNOT_SAVE,
        r"MISCONF",
        "instance {name} refuses writes because it cannot save to its disk; free space there, "
        "or set stop-writes-on-bgsave-error no: leases do not need its disk",
    ),
    Row(
        Kind.TOO_FEW_REPLICAS,
        r"NOREPLICAS",
        "instance {name} refuses writes for lack of replicas; set min-replicas-to-write 0 there: "
        "leases do not need replicas",
    ),
    Row(Kind.CLUSTER, r"CLUSTERDOWN|\bMOVED\b|CROSSSLOT|\bASK\b|TRYAGAIN|(?i:same slot)", _A_CLUSTER),
    Row(
        Kind.SCRIPT_FORGOTTEN,
        r"NOSCRIPT|No matching script",
        "instance {name} forgets scripts as soon as they are loaded; list a plain server, "
        "not a proxy that spreads commands over several",
    ),
    Row(
        Kind.KEY,
        r"WRONGTYPE",
        "instance {name} keeps something foreign under one of the keys leader:{cluster}:*; "
        "find it with: redis-cli --scan --pattern 'leader:{cluster}:*', then remove it with DEL",
    ),
    Row(
        Kind.TOO_MANY_CLIENTS,
        r"max number of clients",
        "instance {name} has as many clients as it allows; raise maxclients there, or close idle clients",
    ),
    Row(
        Kind.UNKNOWN_COMMAND,
        r"(?i:unknown command)\W+(?P<command>[\w|]+)",
        "instance {name} does not know the command {COMMAND}, so it cannot vote: it is a Sentinel, a proxy, "
        "or renames commands; list a plain server",
    ),
    Row(
        Kind.UNKNOWN_COMMAND,
        r"(?i:unknown (?:Redis |Valkey )?command|command is not allowed from script)",
        "instance {name} does not let scripts run all that leader's does; list a plain server",
    ),
    Row(
        Kind.DATABASE,
        r"(?i:DB index|invalid database)",
        "instance {name} has no such database; correct the number at the end of its URL, "
        "or raise databases there",
    ),
)

UNEXPECTED = (
    "instance {name} answered with an error that leader does not know ({text}); see its log and its version"
)

ELIGIBILITIES = {
    "replica": (Kind.REPLICA, _A_REPLICA),
    "cluster": (Kind.CLUSTER, _A_CLUSTER),
    "sentinel": (
        Kind.SENTINEL,
        "instance {name} is a Sentinel, which stores no data, so it cannot vote; list a plain server instead",
    ),
    "evicts": (
        Kind.EVICTS,
        (
            "instance {name} may evict leases (maxmemory-policy {detail}), so it cannot vote; "
            "set maxmemory-policy noeviction or a volatile one there"
        ),
    ),
    "mode": (
        Kind.UNEXPECTED,
        (
            "instance {name} runs in a mode that leader does not know ({detail}), so it cannot vote; "
            "list a plain server"
        ),
    ),
}
