"""Documents that nobody would write: a sentence comes out, or a configuration."""

from hypothesis import given
from hypothesis import strategies as st

from leader.config import from_document
from leader.errors import ConfigurationError

SECTIONS = ["cluster", "node", "quorum", "elections", "fitness", "api", "other"]
KEYS = [
    "name",
    "instances",
    "lease",
    "generation",
    "tls",
    "previous",
    "password_file",
    "priority",
    "on_gained",
]
KEYS += ["command", "max_memory", "max_load_per_cpu", "min_free_disk", "listen", "socket_mode", "redis://h"]
PLAIN = st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(KEYS)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(SECTIONS), VALUES))
def test_any_document_is_a_configuration_or_broken_rules(document: dict[str, object]) -> None:
    """No value of the wrong type brings the reader down, and each sentence names the source."""
    try:
        from_document(document, "some.toml")
    except ConfigurationError as refusal:
        problems = refusal.problems
    else:
        problems = ()
    assert all(problem.startswith("some.toml: ") for problem in problems)
