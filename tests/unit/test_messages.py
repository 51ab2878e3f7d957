"""Every message that people read is provoked by a test, which quotes it; and is one sentence that helps.

That a test quotes a message is found in the source of both (`tests/support/messages.py`), so nothing is
recorded that could grow old, and a new message without a test that provokes it fails here by name.
"""

import re

import pytest

from tests.support.messages import Place, error_names, places, quoted, quoted_whole

PLACES = places()
BAD = re.compile(r"\n|\.$|[Ee]rror:|[Ee]xception|Traceback|\bNone\b|\bdict\b|<class|  ")
HELP = re.compile(r"[:;]|\bmust\b|, as in")
BAD_BEGINNING = re.compile(r"[A-Z][a-z]")
"""LEADER_TERM may stand first."""


def test_every_message_is_quoted_by_a_test_that_provokes_it() -> None:
    """Four words of it in a row stand in a test; a finding of the doctor is known by its code."""
    missing = [place for place in PLACES if not is_quoted(place)]
    assert not missing, "no test provokes:\n" + "\n".join(map(str, missing))


def is_quoted(place: Place) -> bool:
    """Whether a test has it."""
    if place.kind == "Finding":
        code = place.texts[0]
        return code in quoted_whole() or code.partition("-")[2] in quoted_whole() - {""} or _has_run(place)
    return _has_run(place)


def _has_run(place: Place) -> bool:
    return any(run in quoted()[len(run)] for run in place.runs)


def test_every_message_is_one_sentence_without_a_sign_of_the_program() -> None:
    """No full stop, no line break, no "Error", no capital where it begins, no words of Python."""
    told = (place for place in PLACES if place.kind != "Finding")
    bad = [place for place in told if _is_badly_formed(place)]
    assert not bad, "not one sentence for a person:\n" + "\n".join(map(str, bad))


def test_every_error_says_what_to_do_or_what_the_rule_is() -> None:
    """Behind a colon or a semicolon, or with "must" or "as in"; what the demo checks is for its makers."""
    kinds = error_names() - {"Failed"}
    bad = [place for place in PLACES if place.kind in kinds and not HELP.search(" … ".join(place.texts))]
    assert not bad, "no help in:\n" + "\n".join(map(str, bad))


@pytest.mark.parametrize(
    ("text", "is_bad"),
    [
        ("the disk is full: make room", False),
        ("LEADER_TERM is not set: say it", False),
        ("the disk is full: make room.", True),
        ("Error: the disk is full", True),
        ("the disk is full: OSError: no room", True),
        ("Make room on the disk", True),
        ("the disk\nis full", True),
        ("must be a dict", True),
    ],
)
def test_the_check_of_the_form_tells_good_from_bad(text: str, *, is_bad: bool) -> None:
    """It would be of no use if nothing failed it."""
    assert _is_badly_formed(Place("x.py", 1, "Refused", (text,))) is is_bad


def _is_badly_formed(place: Place) -> bool:
    texts = [text for text in place.texts if " " in text.strip()]
    return any(BAD.search(text) for text in texts) or bool(texts and BAD_BEGINNING.match(texts[0]))
