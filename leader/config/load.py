"""From a file and the environment to a `Config`, or to all that is wrong with them.

Each section has one function that names its keys with their rules and defaults. The quorum's are in
`leader/config/quorum.py`.
"""

import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path

from leader.config import rules
from leader.config.keys import VARIABLES
from leader.config.model import ApiConfig, Config, ElectionConfig, FitnessConfig, NodeConfig
from leader.config.quorum import read_quorum
from leader.config.table import Findings, Table
from leader.config.watchdog import read_watchdog
from leader.errors import ConfigurationError

DEFAULT_PATH = "/etc/leader/leader.toml"
HIGHEST_PRIORITY = 10_000
PREEMPT_DELAY_LEASES = 3
"""How long a better candidate must have been able to lead, unless `preempt_delay` says it: longer than what a
restart or a short cut takes."""
_A_WHILE = rules.duration(100, 3_600_000)
_STABLE_FOR = rules.duration(1_000, 86_400_000)
_OFTEN = rules.integer(1, 1_000)


def load(
    path: str | None = None, environ: Mapping[str, str] | None = None, *, node: str | None = None
) -> Config:
    """The effective configuration: of the file, the environment, and `--node`, each winning over the last.

    Without a file at the default path, the environment alone may be enough; a file that was asked for
    must be there.

    Raises:
        ConfigurationError: a rule is broken; `problems` has one sentence for each.
    """
    environ = os.environ if environ is None else environ
    file = configuration_path(path, environ)
    asked_for = bool(path or environ.get("LEADER_CONFIG"))
    if not asked_for and not Path(file).exists():
        if not any(environ.get(variable) for variable in VARIABLES):
            raise ConfigurationError(
                f"{file} is not there: write it with `leader config init`, "
                "or try `leader agent --dev`, which needs none"
            )
        return from_document({}, "environment", environ, node=node)
    return from_document(_read_file(file), file, environ, node=node)


def from_document(
    document: Mapping[str, object],
    source: str,
    environ: Mapping[str, str] | None = None,
    *,
    node: str | None = None,
) -> Config:
    """The configuration that a parsed TOML document says, with no environment unless one is given.

    Raises:
        ConfigurationError: a rule is broken; each sentence begins with `source`.
    """
    findings = Findings(source, {} if environ is None else environ)
    table = Table(findings, "", document)
    cluster = _cluster(table, findings)
    quorum = read_quorum(table.table("quorum"), findings)
    node_config = _node(table.table("node"), findings, node)
    elections = _elections(table.table("elections"), findings, quorum.lease_ms)
    fitness = _fitness(table.table("fitness"))
    watchdog = read_watchdog(table.table("watchdog"), findings, quorum.held_lease_ms)
    api = _api(table.table("api"))
    table.refuse_the_rest()
    if findings.problems:
        raise ConfigurationError(findings.problems)
    return Config(
        cluster=cluster,
        node=node_config,
        quorum=quorum,
        elections=elections,
        fitness=fitness,
        api=api,
        source=source,
        warnings=tuple(findings.warnings),
        notes=tuple(findings.notes),
        origins=findings.origins,
        watchdog=watchdog,
    )


def configuration_path(path: str | None, environ: Mapping[str, str]) -> str:
    """The file that is meant: the one asked for, else `LEADER_CONFIG`, else the default path."""
    return path or environ.get("LEADER_CONFIG") or DEFAULT_PATH


def _read_file(path: str) -> dict[str, object]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path} is not there: write it with `leader config init --config {path}`"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}): it must be a file that {rules.reader()} can read"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not text in UTF-8, from byte {error.start} on: save it in that encoding"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {_syntax_error(error)}") from None


def _syntax_error(error: tomllib.TOMLDecodeError) -> str:
    """What tomllib says, with line and column in front where it knows them."""
    what, _, where = str(error).removesuffix(")").rpartition(" (at ")
    return f"{where}: {what[:1].lower()}{what[1:]}"


def _cluster(table: Table, findings: Findings) -> str:
    if "cluster" not in table and not findings.environ.get("LEADER_CLUSTER"):
        findings.refuse(
            "cluster", 'is missing; name what the nodes share, as in cluster = "prod", or set LEADER_CLUSTER'
        )
    return table.take("cluster", rules.name, "", "LEADER_CLUSTER")


def _node(table: Table, findings: Findings, option: str | None) -> NodeConfig:
    """This node's name: `--node`, the environment, the file, or the host name."""
    given = table.take("name", rules.name, "", "LEADER_NODE")
    table.refuse_the_rest()
    if option is not None:
        findings.origins["node.name"] = "--node"
        return NodeConfig(_checked_name(option, "--node", findings))
    if given or "node.name" in findings.origins:
        return NodeConfig(given)
    findings.origins["node.name"] = "the host name"
    return NodeConfig(_checked_name(socket.gethostname(), "node.name, by default the host name,", findings))


def _checked_name(value: str, key: str, findings: Findings) -> str:
    try:
        return rules.name(value)
    except ValueError as broken:
        findings.refuse_value(key, value, f"{broken}; set node.name, LEADER_NODE or --node")
        return ""


def _elections(table: Table, findings: Findings, lease_ms: int) -> dict[str, ElectionConfig]:
    """All elections of [elections.*], or the one called `default` if there are none."""
    elections = {}
    for name in table.names():
        try:
            rules.name(name)
        except ValueError as broken:
            findings.refuse_value("elections", name, f"an election's name {broken}")
        elections[name] = _election(name, table.table(name), PREEMPT_DELAY_LEASES * lease_ms)
    return elections or {"default": ElectionConfig("default")}


def _election(name: str, table: Table, preempt_delay_ms: int) -> ElectionConfig:
    defaults = ElectionConfig(name)
    election = ElectionConfig(
        name=name,
        priority=table.take("priority", rules.integer(0, HIGHEST_PRIORITY), defaults.priority),
        preempt=table.take("preempt", rules.flag, defaults.preempt),
        preempt_delay_ms=table.take("preempt_delay", _STABLE_FOR, preempt_delay_ms),
        on_gained=table.take("on_gained", rules.texts, defaults.on_gained),
        on_lost=table.take("on_lost", rules.texts, defaults.on_lost),
        hook_timeout_ms=table.take("hook_timeout", _A_WHILE, defaults.hook_timeout_ms),
    )
    table.refuse_the_rest()
    return election


def _fitness(table: Table) -> FitnessConfig:
    defaults = FitnessConfig()
    fitness = FitnessConfig(
        command=table.take("command", rules.texts, defaults.command),
        interval_ms=table.take("interval", _A_WHILE, defaults.interval_ms),
        timeout_ms=table.take("timeout", _A_WHILE, defaults.timeout_ms),
        rise=table.take("rise", _OFTEN, defaults.rise),
        fall=table.take("fall", _OFTEN, defaults.fall),
        max_load_per_cpu=table.take("max_load_per_cpu", rules.positive, None),
        max_memory_percent=table.take("max_memory", rules.percent, None),
        min_free_disk_percent=table.take("min_free_disk", rules.percent_by_path, {}),
        required_mounts=table.take("required_mounts", rules.texts, defaults.required_mounts),
        required_processes=table.take("required_processes", rules.texts, defaults.required_processes),
    )
    table.refuse_the_rest()
    return fitness


def _api(table: Table) -> ApiConfig:
    defaults = ApiConfig()
    api = ApiConfig(
        listen=table.take("listen", rules.host_and_port, defaults.listen),
        group=table.take("group", rules.text, defaults.group),
        socket_mode=table.take("socket_mode", rules.file_mode, defaults.socket_mode),
    )
    table.refuse_the_rest()
    return api
