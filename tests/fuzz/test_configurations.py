"""Files and environments that nobody would write: a configuration comes out, or sentences."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leader.config.load import load
from leader.config.show import render
from leader.errors import ConfigurationError

LINES = st.sampled_from(
    [
        'cluster = "prod"', "cluster = 3", "[node]", 'name = "a b"', "[quorum]", 'instances = ["redis://h"]',
        "instances = {}", 'instances = { a = "redis://h", b = 3 }', 'lease = "10s"', 'lease = "9" ',
        "generation = 0",
        "[quorum.previous]", "[elections.default]", '[elections."../x"]', '[elections."\\u001b[31m"]',
        "priority = -1", "priority = 99999999999999999999", "[fitness]", "max_load_per_cpu = nan",
        'min_free_disk = { "/" = "200%" }', "[api]", 'listen = "[::1]:0"', 'socket_mode = "999"',
        "x = 1979-05-27",
        'on_gained = ["\\u0000"]', "tls = { ca_file = 3 }", 'password_file = "/nowhere"',
        'password_file = "/"',
    ]
)  # fmt: skip
VALUES = st.text(max_size=20) | st.sampled_from(
    [
        "redis://:pw@h:99999",
        "redis://[::1",
        "unix://",
        "redis://h redis://i",
        "10s",
        "\x1b[31m",
        "/dev/null",
        "\udcff",
    ]
)
VARIABLES = ["LEADER_CLUSTER", "LEADER_NODE", "LEADER_QUORUM", "LEADER_LEASE", "LEADER_PASSWORD_FILE"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the configuration of each example stands."""
    return str(tmp_path_factory.mktemp("fuzz") / "leader.toml")


@given(
    st.lists(LINES | st.text(max_size=12), max_size=9), st.dictionaries(st.sampled_from(VARIABLES), VALUES)
)
def test_any_file_and_any_environment_are_a_configuration_or_sentences(
    file: str, lines: list[str], environ: dict[str, str]
) -> None:
    """Never another error; what is effective can be shown; a sentence of what is wrong fits on a line."""
    with open(file, "w", encoding="utf-8", errors="surrogateescape") as written:  # noqa: PTH123 - the fixture's
        written.write("\n".join(line.encode("utf-8", "replace").decode() for line in lines))
    try:
        config = load(file, environ)
    except ConfigurationError as refusal:
        told = refusal.problems
    else:
        told = (tomllib.loads(render(config))["cluster"],)
    assert told
    assert all(sentence.isprintable() for sentence in told)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_configuration_or_one_sentence(file: str, data: bytes) -> None:
    """A file that is no text, or no TOML."""
    with open(file, "wb") as written:  # noqa: PTH123 - the fixture's
        written.write(data)
    with pytest.raises(ConfigurationError):
        load(file, {})
