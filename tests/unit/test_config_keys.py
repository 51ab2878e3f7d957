"""What is said of the configuration's keys is so: none is missing or made up, and defaults are in effect."""

import re
import tomllib
from typing import Any

import pytest

from leader.config import from_document
from leader.config.keys import SECTIONS, Key, Section
from leader.config.model import Config
from leader.errors import ConfigurationError

GOOD: dict[str, Any] = {"cluster": "main", "quorum": {"instances": ["redis://10.0.0.11"], "generation": 2}}
WORDS_ONLY = {
    *("cluster", "node.name", "quorum.instances", "quorum.username", "quorum.password_file"),
    *("quorum.tls.ca_file", "quorum.tls.cert_file", "quorum.tls.key_file"),
    *("quorum.previous.instances", "quorum.previous.lease", "elections.default.preempt_delay"),
    *("fitness.max_load_per_cpu", "fitness.max_memory", "watchdog.safety_margin", "api.listen"),
}
"""Keys whose default is none, or is no constant."""


def with_key(section: str, key: str, value: object) -> dict[str, Any]:
    """A good configuration that says this, too."""
    document: dict[str, Any] = {**GOOD, "quorum": dict(GOOD["quorum"])}
    table = document
    for name in filter(None, section.split(".")):
        table = table.setdefault(name, {})
    table[key] = value
    return document


def known(section: str) -> set[str]:
    """The keys of a table that the program reads, as it tells who wrote another one."""
    with pytest.raises(ConfigurationError) as refusal:
        from_document(with_key(section, "zzzz", 1), "test")
    told = (
        re.search(r"zzzz = 1: no such key; known are (.*)", problem) for problem in refusal.value.problems
    )
    (found,) = filter(None, told)
    return set(found[1].split(", "))


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name or "outermost")
def test_the_keys_of_a_table_are_those_that_the_program_reads(section: Section) -> None:
    """Whoever adds one must document it."""
    within = {one.name.rpartition(".")[2] for one in SECTIONS if one.name.rpartition(".")[0] == section.name}
    tables = (within - {"", "default"}) | ({"elections"} if not section.name else set())
    assert {key.name for key in section.keys} | tables == known(section.name)


def effective(config: Config) -> tuple[object, ...]:
    """All but where it came from."""
    return (config.cluster, config.quorum, config.elections, config.fitness, config.api, config.watchdog)


def value_of(default: str) -> object:
    """What a default says in TOML; None where it says it in words."""
    try:
        return tomllib.loads(f"x = {default}")["x"]
    except tomllib.TOMLDecodeError:
        return None


@pytest.mark.parametrize(
    ("section", "key"),
    [(section.name, key) for section in SECTIONS for key in section.keys],
    ids=lambda one: one.name if isinstance(one, Key) else one,
)
def test_a_default_written_out_changes_nothing(section: str, key: Key) -> None:
    """It is what counts without the key."""
    value = value_of(key.default)
    if value is None:
        assert f"{section}.{key.name}".lstrip(".") in WORDS_ONLY
        return
    if key.name == "generation":
        assert (
            from_document({**GOOD, "quorum": {"instances": ["redis://10.0.0.11"]}}, "").quorum.generation == 1
        )
        return
    written = from_document(with_key(section, key.name, value), "test")
    assert effective(written) == effective(from_document(GOOD, "test"))
