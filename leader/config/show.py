"""The effective configuration as TOML, secrets hidden, each value with where it came from.

What is printed can be read back, but for the passwords within URLs.
"""

import json
from collections.abc import Iterator

from leader.config.model import Config, ElectionConfig, FitnessConfig, InstanceConfig, WatchdogConfig
from leader.durations import format_duration
from leader.names import NAME_CHARACTERS

_COLUMN = 48
_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def render(config: Config) -> str:
    """A TOML document that says the same as this configuration, without its passwords."""
    return "\n".join(_lines(config)) + "\n"


def _lines(config: Config) -> Iterator[str]:
    quorum = config.quorum
    yield _entry(config, "", "cluster", _text(config.cluster))
    yield from ("", "[node]", _entry(config, "node", "name", _text(config.node.name)))
    yield from ("", "[quorum]", f"# fingerprint {quorum.fingerprint}, majority {quorum.majority}")
    yield _entry(config, "quorum", "lease", _text(format_duration(quorum.lease_ms)))
    yield _entry(config, "quorum", "generation", str(quorum.generation))
    for key, value in (("username", quorum.username), ("password_file", quorum.password_file)):
        if value:
            yield _entry(config, "quorum", key, _text(value))
    yield from _instances(config, "quorum", quorum.instances)
    yield from _tls(config)
    if quorum.previous is not None:
        yield from ("", "[quorum.previous]")
        yield _entry(config, "quorum.previous", "lease", _text(format_duration(quorum.previous.lease_ms)))
        yield from _instances(config, "quorum.previous", quorum.previous.instances)
    for name, election in config.elections.items():
        yield from ("", f"[elections.{_key(name)}]")
        yield from (_entry(config, f"elections.{name}", *pair) for pair in _election(election))
    if config.fitness != FitnessConfig():
        yield from ("", "[fitness]")
        yield from (_entry(config, "fitness", *pair) for pair in _fitness(config.fitness))
    if config.watchdog != WatchdogConfig():
        yield from ("", "[watchdog]")
        yield from (_entry(config, "watchdog", *pair) for pair in _watchdog(config.watchdog))
    yield from ("", "[api]")
    if config.api.listen:
        yield _entry(config, "api", "listen", _text(config.api.listen))
    yield _entry(config, "api", "group", _text(config.api.group))
    yield _entry(config, "api", "socket_mode", _text(f"{config.api.socket_mode:04o}"))


def _instances(config: Config, table: str, instances: tuple[InstanceConfig, ...]) -> Iterator[str]:
    """A list of URLs where the names are the default ones, else a table."""
    named = all(set(instance.name) <= NAME_CHARACTERS for instance in instances)
    first = f"[{table}.instances]" if named else "instances = ["
    if named:
        yield ""
    yield first + _origin(config, f"{table}.instances", len(first))
    for instance in instances:
        url = _text(_shown_url(instance))
        yield f"{_key(instance.name)} = {url}" if named else f"    {url},"
    if not named:
        yield "]"


def _tls(config: Config) -> Iterator[str]:
    tls = config.quorum.tls
    files = {"ca_file": tls.ca_file, "cert_file": tls.cert_file, "key_file": tls.key_file}
    if any(files.values()):
        yield from ("", "[quorum.tls]")
    for key, path in files.items():
        if path:
            yield _entry(config, "quorum.tls", key, _text(path))


def _election(election: ElectionConfig) -> Iterator[tuple[str, str]]:
    yield "priority", str(election.priority)
    yield "preempt", _text(election.preempt)
    if election.preempt:
        yield "preempt_delay", _text(format_duration(election.preempt_delay_ms))
    if election.on_gained or election.on_lost:
        yield "on_gained", _text(election.on_gained)
        yield "on_lost", _text(election.on_lost)
        yield "hook_timeout", _text(format_duration(election.hook_timeout_ms))


def _fitness(fitness: FitnessConfig) -> Iterator[tuple[str, str]]:
    if fitness.command:
        yield "command", _text(fitness.command)
    yield "interval", _text(format_duration(fitness.interval_ms))
    yield "timeout", _text(format_duration(fitness.timeout_ms))
    yield "rise", str(fitness.rise)
    yield "fall", str(fitness.fall)
    if fitness.max_load_per_cpu is not None:
        yield "max_load_per_cpu", str(fitness.max_load_per_cpu)
    if fitness.max_memory_percent is not None:
        yield "max_memory", _text(f"{fitness.max_memory_percent:g}%")
    if fitness.min_free_disk_percent:
        shares = (f"{_text(path)} = {_text(f'{n:g}%')}" for path, n in fitness.min_free_disk_percent.items())
        yield "min_free_disk", "{ " + ", ".join(shares) + " }"
    if fitness.required_mounts:
        yield "required_mounts", _text(fitness.required_mounts)
    if fitness.required_processes:
        yield "required_processes", _text(fitness.required_processes)


def _watchdog(watchdog: WatchdogConfig) -> Iterator[tuple[str, str]]:
    yield "mode", _text(watchdog.mode)
    yield "device", _text(watchdog.device)
    yield "safety_margin", _text(format_duration(watchdog.margin_ms))


def _entry(config: Config, table: str, key: str, value: str) -> str:
    line = f"{key} = {value}"
    return line + _origin(config, f"{table}.{key}" if table else key, len(line))


def _origin(config: Config, key: str, width: int) -> str:
    return " " * max(2, _COLUMN - width) + "# " + config.origins.get(key, "default")


def _shown_url(instance: InstanceConfig) -> str:
    """The URL, with asterisks for a password of its own."""
    if not instance.has_own_password:
        return instance.url
    return instance.url.replace("://", f"://{instance.username}:***@", 1)


def _text(value: str | bool | tuple[str, ...]) -> str:  # noqa: FBT001 - it renders one
    """A value as TOML writes it; its strings, lists and booleans are written as in JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if name and set(name) <= _BARE else _text(name)
