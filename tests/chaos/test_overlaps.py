"""The count of overlaps, beside which faults: from doctored histories; and that both run in the lab."""

import os
import subprocess
import sys

import pytest

from tests.chaos.history import NS_PER_MS, Answer, History, Release, Spell
from tests.chaos.kinds import Harm
from tests.chaos.nemesis import kinds_for
from tests.chaos.overlaps import FORGETS, GROUPS, NONE, Account, group_of, overlaps_in, row, table
from tests.support.agents import PROJECT

LASTS_S = 120.0
KINDS = {kind for harm in (Harm.FORGETS, Harm.LIES) for kind in kinds_for(harm, clocks=True)}


def yes(node: str, number: int, sent_ms: int, remaining_ms: int = 900) -> Answer:
    """A node's word that it leads."""
    sent = sent_ms * NS_PER_MS
    return Answer(node, sent, sent + NS_PER_MS, 200, number, node, remaining_ms)


def spell(kind: str, begin_ms: int, end_ms: int) -> Spell:
    """A fault."""
    return Spell(kind, begin_ms * NS_PER_MS, end_ms * NS_PER_MS)


def twice_led(*spells: Spell) -> History:
    """A leads, and from 500 ms on B does as well; both go on saying so."""
    answers = [yes("a", 1, 0), yes("b", 2, 500), yes("a", 1, 600), yes("b", 2, 700)]
    return History(3, 1000, answers, spells=list(spells))


def test_two_that_lead_for_long_are_one_overlap() -> None:
    """However often both say yes, one leadership beside another is counted once."""
    assert list(overlaps_in(twice_led())) == [{NONE}]


def test_a_leader_after_another_is_no_overlap() -> None:
    """Neither one who waits for the lease to end, nor one who follows a release, nor a node after itself."""
    after = History(3, 1000, [yes("a", 1, 0), yes("b", 2, 950)])
    released = History(3, 1000, [yes("a", 1, 0), yes("b", 2, 500)], [Release(1, 480 * NS_PER_MS)])
    itself = History(3, 1000, [yes("a", 1, 0), yes("a", 2, 500)])
    assert [list(overlaps_in(history)) for history in (after, released, itself)] == [[], [], []]


def test_faults_that_ran_or_had_just_ended_are_to_blame() -> None:
    """One that is over for longer than a lease is not, and one that begins later is not either."""
    history = twice_led(
        spell("server flushed", 490, 492),
        spell("delayed", -2000, -400),
        spell("refused", -2000, -600),
        spell("cut off", 510, 900),
    )
    assert list(overlaps_in(history)) == [{"server flushed", "delayed"}]


def test_each_overlap_counts_beside_each_fault_and_alone_beside_one() -> None:
    """The rows are of groups, then of kinds; within a group, two kinds are still one sort of fault."""
    account = Account("Redlock")
    account.add(twice_led(spell("server flushed", 490, 492)))
    account.add(twice_led(spell("server flushed", 490, 492), spell("server evicting", 480, 500)))
    account.add(twice_led(spell("server flushed", 490, 492), spell("delayed", 0, 500)))
    rows = list(table([account, Account("leader")], KINDS, each_kind=True))
    assert f"| {FORGETS} | 4 | 0 | 3 | 0 | 2 | 0 |" in rows
    assert "| - server flushed | 3 | 0 | 3 | 0 | 1 | 0 |" in rows
    assert "| - delayed | 1 | 0 | 1 | 0 | 0 | 0 |" in rows
    assert str(account) == "Redlock: 3 overlaps beside 5 faults"


def test_an_overlap_without_any_fault_is_shown() -> None:
    """None is left out because nothing is to blame for it."""
    account = Account("Redlock")
    account.add(twice_led())
    assert row(NONE, [account], [NONE]) == f"| {NONE} | 0 | 1 | 1 |"


def test_each_kind_of_fault_is_in_a_group() -> None:
    """All groups are played, and what makes servers forget is apart from what else befalls them."""
    groups = {group_of(kind) for kind in KINDS}
    assert groups > set(GROUPS.values())
    assert {kind.harm for kind in KINDS if group_of(kind) == FORGETS} == {Harm.FORGETS}


@pytest.mark.xdist_group("chaos")
@pytest.mark.needs("root", "unshare", "nsenter")
@pytest.mark.timeout(LASTS_S)
def test_both_lead_in_a_lab_without_faults() -> None:
    """Through the same proxies and with the same questions, one of five nodes leads, of either sort."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.compare", "--minutes", "0", "--seeds", "1"],
        cwd=PROJECT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("seed 1, leader:")
    assert second.startswith("seed 1, Redlock:")
    assert all("a leader in 1 of 1 calms" in line and " 0 overlaps" in line for line in (first, second))
