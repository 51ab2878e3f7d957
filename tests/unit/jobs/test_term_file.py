"""The file that holds the highest term: what it takes in, what it turns away, what becomes of it."""

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leader.errors import Refused
from leader.jobs.term_file import LARGEST_TERM, TermFile, parse_term
from leader.protocol import record

TERMS = st.integers(0, LARGEST_TERM)


def admit(path: Path, term: int) -> bool:
    """Whether the file lets this term in."""
    file = TermFile(str(path), 0)
    try:
        file.admit(term)
    except Refused:
        return False
    finally:
        os.close(file.descriptor)
    return True


@given(st.lists(TERMS))
def test_a_term_is_let_in_exactly_if_none_before_was_higher(terms: list[int]) -> None:
    """And the file holds the highest, as one line; a symbolic link to it is as good."""
    with TemporaryDirectory() as directory:
        path, link = Path(directory) / "term", Path(directory) / "link"
        link.symlink_to("term")
        for number, term in enumerate(terms):
            assert admit(link if number % 2 else path, term) == (term >= max(terms[:number], default=0))
            highest = max(terms[: number + 1])
            assert path.read_text() == (f"{highest}\n" if highest else "")
        assert link.is_symlink()
        assert {entry.name for entry in Path(directory).iterdir()} <= {"term", "link"}


@given(TERMS, st.sampled_from(["{}", "{}\n", " {}\r\n\n", "00{}"]))
def test_a_term_that_was_written_by_hand_is_understood(term: int, form: str) -> None:
    """As `echo 41 > FILE` leaves it, with or without the end of the line."""
    assert parse_term(form.format(term)) == term


@given(st.text().filter(lambda text: not (text.isascii() and text.strip().isdigit())))
def test_whatever_else_is_no_term(text: str) -> None:
    """Words, signs, fractions, digits of other scripts."""
    with pytest.raises(ValueError, match="is no term"):
        parse_term(text)


@pytest.mark.parametrize(
    "text", ["", " ", "-1", "+1", "1.0", "1e3", "0x1", "1 2", "1\n2", "0\x85", "9" * 16, "9" * 5000]
)
def test_what_looks_like_a_term_and_is_none(text: str) -> None:
    """Two of them, a sign, a blank beyond ASCII, a number beyond the largest."""
    with pytest.raises(ValueError, match="is no term"):
        parse_term(text)


def test_the_largest_term_is_that_of_the_protocol() -> None:
    """Whatever an agent may lead with is let in."""
    assert record.LARGEST_TERM == LARGEST_TERM


def test_a_file_keeps_its_mode_and_a_new_one_is_its_owners_alone(tmp_path: Path) -> None:
    """Who may read it could lock it; who shares it between users has made it beforehand."""
    path = tmp_path / "term"
    assert admit(path, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o664)
    assert admit(path, 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


@pytest.mark.needs("root")
def test_a_file_stays_its_owners(tmp_path: Path) -> None:
    """Root's job does not take it away from the jobs of the user who made it."""
    path = tmp_path / "term"
    path.touch()
    os.chown(path, 1234, 2345)
    assert admit(path, 1)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_what_a_killed_process_left_beside_the_file_is_no_obstacle(tmp_path: Path) -> None:
    """Half a term in a file of its own, and a link that somebody put in its place, are not used."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    for number in range(2):
        new = tmp_path / ".term.fence-new"
        new.symlink_to(elsewhere) if number else new.write_text("4")
        assert admit(tmp_path / "term", 41 + number)
    assert (tmp_path / "term").read_text() == "42\n"
    assert elsewhere.read_text() == "precious"
