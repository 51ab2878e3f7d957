"""Records as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leader.protocol.record import LARGEST_TERM, Holder, Record, State, Version

WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._", min_size=1, max_size=20)
HOLDER = Holder("n1", "i1", 7)


@given(WORD, WORD, st.integers(0, LARGEST_TERM))
def test_a_holder_is_read_as_it_was_written(node: str, incarnation: str, term: int) -> None:
    """Node, incarnation and term survive the text form."""
    holder = Holder(node, incarnation, term)
    assert Holder.parse(str(holder)) == holder


@pytest.mark.parametrize("text", ["", "a", "a:b", "a:b:", "a:b:c", "a:b:1:2"])
def test_what_is_no_holder_is_refused(text: str) -> None:
    """Anything but `node:incarnation:term`."""
    with pytest.raises(ValueError, match=r".*"):
        Holder.parse(text)


def test_a_version_is_written_as_the_script_compares_it() -> None:
    """Sequence number, colon, nonce."""
    assert str(Version(12, "ab")) == "12:ab"


def test_a_held_record_names_its_holder_and_no_other() -> None:
    """Node, incarnation and term must all be the same."""
    record = Record("p", Version(1, "a"), State.HELD, 9, HOLDER, 1000)
    assert record.names(HOLDER)
    for other in (Holder("n2", "i1", 7), Holder("n1", "i2", 7), Holder("n1", "i1", 8), None):
        assert not record.names(other)


@pytest.mark.parametrize("state", [State.FRESH, State.RELEASED])
def test_a_record_that_is_not_held_names_nobody(state: State) -> None:
    """A released record keeps its last holder, for display only."""
    assert not Record("p", Version(1, "a"), state, 9, HOLDER, 1000).names(HOLDER)
    assert not Record("p", Version(1, "a"), state).names(None)
