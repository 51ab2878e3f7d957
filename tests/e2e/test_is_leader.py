"""`leader is-leader`, installed from a wheel in a clean environment: what it answers, as cron calls it."""

from pathlib import Path

import pytest

from tests.e2e.asking import Asker, one_sentence
from tests.unit.api.handmade import process


def test_it_is_0_for_the_leader_and_silent(path: Path, ask: Asker) -> None:
    """`leader is-leader && job`: cron mails whatever is printed."""
    with process(path):
        assert ask() == (0, "", "")
        assert ask("reports") == (0, "", "")


def test_it_is_1_for_the_others_and_silent(path: Path, ask: Asker) -> None:
    """Two of three nodes say no each minute, and nobody wants mail about it."""
    with process(path, leads=False):
        assert ask() == (1, "", "")


def test_verbose_says_it_in_words(path: Path, ask: Asker) -> None:
    """For people; the exit codes stay."""
    with process(path):
        code, said, _ = ask("--verbose")
        assert code == 0
        assert said.startswith("web-1 leads default with term 4610, for 7.9")
        code, said, _ = ask("-v", "--for", "10s")
        assert code == 1
        assert said.startswith("web-1 leads default, but only for 7.9")


def test_verbose_names_who_leads_instead(path: Path, ask: Asker) -> None:
    """The next question of whoever asks."""
    with process(path, leads=False):
        assert ask("-v") == (1, "web-1 does not lead default; web-2 does\n", "")


def test_for_asks_for_a_lease_that_lasts_so_much_longer(path: Path, ask: Asker) -> None:
    """The agent's lease is sure for 8 s."""
    with process(path):
        assert ask("--for", "7s") == (0, "", "")
        assert ask("--for=9s") == (1, "", "")


def test_an_unknown_election_is_2_and_names_those_that_exist(path: Path, ask: Asker) -> None:
    """A typo in a crontab must not look like "another node leads"."""
    with process(path):
        for name in ("report", "näme", "a/b", "a b", "%41"):
            code, said, complaint = ask(name)
            assert (code, said) == (2, "")
            assert one_sentence(complaint)
            assert complaint.endswith("there is: default, reports\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bogus"], "there is no option '--bogus'"),
        (["-x"], "there is no option '-x'"),
        (["--for"], "--for needs a value"),
        (["--for", "soon"], "--for: 'soon' is not a duration"),
        (["--timeout", "-1s"], "--timeout: '-1s' is not a duration"),
        (["--timeout="], "--timeout: '' is not a duration"),
        (["a", "b"], "one election at a time"),
        ([""], "cannot be the name of an election"),
        (["a\nb"], "cannot be the name of an election"),
        (["--", "--bogus", "b"], "one election at a time"),
    ],
)
def test_wrong_usage_is_2_and_one_sentence(path: Path, ask: Asker, arguments: list[str], words: str) -> None:
    """Neither a yes nor a no, also while the agent leads."""
    with process(path):
        code, said, complaint = ask(*arguments)
    assert (code, said) == (2, "")
    assert one_sentence(complaint)
    assert words in complaint


def test_a_client_looks_where_the_interface_says(path: Path, ask: Asker) -> None:
    """`--socket`, LEADER_SOCKET, LEADER_RUNTIME_DIR; never RUNTIME_DIRECTORY, and empty is not set."""
    runtime = str(path.parent)
    with process(path):
        assert ask(LEADER_SOCKET="", LEADER_RUNTIME_DIR=runtime)[0] == 0
        assert ask("--socket", str(path), LEADER_SOCKET="/nowhere")[0] == 0
        assert ask(LEADER_SOCKET="", RUNTIME_DIRECTORY=runtime)[0] == 3
