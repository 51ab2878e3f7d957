"""What the history makes of what it is told and of what it sees; and what a restart leaves of it."""

from pathlib import Path

import pytest

from leader.agent import history
from leader.agent.annals import FILE, Annals
from leader.agent.history import EndTold, History, read_ends
from leader.protocol.events import NS_PER_MS
from leader.protocol.record import Holder
from leader.protocol.snapshot import LeadershipView

SECOND = 1000 * NS_PER_MS


@pytest.fixture
async def annals(tmp_path: Path) -> Annals:
    """A file of its own."""
    return Annals(tmp_path)


def of(directory: Path, node: str = "a") -> History:
    """What a restarted agent remembers."""
    return History(Annals(directory), node)


def held(node: str, term: int) -> Holder:
    """A holder as the records name it."""
    return Holder(node, "0123", term)


def causes(views: tuple[LeadershipView, ...]) -> list[tuple[int, str, str]]:
    """Term, node and cause, the newest first."""
    return [(view.term, view.node, view.cause) for view in views]


async def test_a_leadership_lasts_until_its_end_is_told(annals: Annals) -> None:
    """How long is counted on the clock that cannot be set; whoever leads next ends the gap."""
    kept = History(annals, "a")
    assert kept.began("default", 5, "a", 0)
    assert kept.leaderships(3 * SECOND)[0].lasted_ms == 3000
    kept.ended(EndTold("default", 5, "paused", "paused by root"), 7 * SECOND)
    (view,) = kept.leaderships(100 * SECOND)
    assert (view.lasted_ms, view.cause, view.reason, view.gap_ms) == (7000, "paused", "paused by root", None)
    kept.seen("default", held("b", 6), 8 * SECOND)
    assert kept.leaderships(8 * SECOND)[1].gap_ms is not None


@pytest.mark.parametrize(("is_released", "cause"), [(True, "released"), (False, "expired")])
async def test_of_another_node_the_records_say_how_it_ended(
    annals: Annals,
    is_released: bool,  # noqa: FBT001  a parameter of the test
    cause: str,
) -> None:
    """Released, or neither that nor renewed; the next leader is told as a change once."""
    kept = History(annals, "a")
    assert kept.seen("default", held("b", 5), 0)
    assert not kept.seen("default", held("b", 5), SECOND)
    if is_released:
        kept.saw_release("default", 5)
    kept.seen("default", None, 2 * SECOND)
    assert kept.seen("default", held("c", 6), 3 * SECOND)
    assert causes(kept.leaderships(4 * SECOND)) == [(6, "c", ""), (5, "b", cause)]


async def test_what_a_node_says_of_itself_amends_what_was_seen(annals: Annals) -> None:
    """Also before the leadership was seen, and not if another node says it."""
    kept = History(annals, "a")
    kept.seen("default", held("b", 5), 0)
    kept.seen("default", held("c", 6), SECOND)
    assert causes(kept.leaderships(SECOND))[1] == (5, "b", "expired")
    kept.told("c", EndTold("default", 5, "frozen", "a lie"), SECOND)
    assert causes(kept.leaderships(SECOND))[1] == (5, "b", "expired")
    kept.told("b", EndTold("default", 5, "frozen", "it stood still for 12.3 s"), SECOND)
    assert causes(kept.leaderships(SECOND))[1] == (5, "b", "frozen")
    kept.told("d", EndTold("default", 7, "unfit", "it was ill"), 2 * SECOND)
    kept.seen("default", held("d", 7), 3 * SECOND)
    assert causes(kept.leaderships(SECOND))[0] == (7, "d", "unfit")


async def test_an_older_holder_is_no_news(annals: Annals) -> None:
    """A majority that names an older term is behind."""
    kept = History(annals, "a")
    kept.seen("default", held("b", 6), 0)
    assert not kept.seen("default", held("c", 5), SECOND)
    assert causes(kept.leaderships(SECOND)) == [(6, "b", "")]


async def test_a_restart_remembers_and_invents_nothing(annals: Annals, tmp_path: Path) -> None:
    """A leadership goes on if it is resumed; of one that is over, nobody knows since when."""
    kept = History(annals, "a")
    kept.seen("default", held("b", 5), 0)
    kept.began("reports", 9, "a", 0)
    kept.happened("frozen", 1500, "this agent stood still for 1.5 s")
    annals.close()
    again = of(tmp_path)
    assert again.incidents()[0].sentence == "this agent stood still for 1.5 s"
    again.began("reports", 9, "a", SECOND)
    again.seen("default", held("c", 6), SECOND)
    assert causes(again.leaderships(SECOND)) == [(6, "c", ""), (9, "a", ""), (5, "b", "unseen")]
    assert again.leaderships(SECOND)[2].gap_ms is None


async def test_a_leadership_that_was_not_resumed_has_expired(annals: Annals, tmp_path: Path) -> None:
    """The node that led it knows that it was itself that was down."""
    History(annals, "a").began("default", 5, "a", 0)
    annals.close()
    again = of(tmp_path)
    again.seen("default", held("b", 6), SECOND)
    assert causes(again.leaderships(SECOND)) == [(6, "b", ""), (5, "a", "expired")]


async def test_a_torn_line_costs_itself_alone(annals: Annals, tmp_path: Path) -> None:
    """The next one is a line of its own; what is no JSON, or of another kind, is passed over."""
    History(annals, "a").began("default", 5, "a", 0)
    annals.close()
    with (tmp_path / FILE).open("a") as file:
        file.write('[]\nnonsense\n{"line":"leadership","term":7}\n{"line":"leadership","elec')
    second = Annals(tmp_path)
    History(second, "a").began("default", 6, "a", 0)
    second.close()
    assert [view.term for view in of(tmp_path).leaderships(0)] == [6, 5]


async def test_the_history_is_bounded_and_its_file_too(
    annals: Annals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go first; a restart writes the file anew when most of it is outdated."""
    monkeypatch.setattr(history, "MOST_LEADERSHIPS", 10)
    monkeypatch.setattr(history, "MOST_INCIDENTS", 10)
    kept = History(annals, "a")
    for term in range(1, 100):
        kept.began("default", term, "a", term)
        kept.ended(EndTold("default", term, "released", "the agent stopped"), term)
        kept.happened("frozen", term, "this agent stood still")
    annals.close()
    assert len((tmp_path / FILE).read_text().splitlines()) == 3 * 99
    again = of(tmp_path)
    assert [view.term for view in again.leaderships(0)] == list(range(99, 89, -1))
    assert len(again.incidents()) == 10
    assert len((tmp_path / FILE).read_text().splitlines()) == 20


async def test_only_the_last_own_ends_are_told_to_others(annals: Annals) -> None:
    """The registry carries them at each beat, so there are few; they are read back as they were written."""
    kept = History(annals, "a")
    for term in range(1, 10):
        kept.began("default", term, "a", term)
        kept.ended(EndTold("default", term, "released", "the agent stopped"), term)
    kept.seen("default", held("b", 20), 0)
    kept.seen("default", held("c", 21), 0)
    told = kept.own_ends()
    assert [end.term for end in told] == [5, 6, 7, 8, 9]
    documents = [{"election": e.election, "term": e.term, "cause": e.cause, "reason": e.reason} for e in told]
    assert read_ends(documents) == told


async def test_a_disk_that_cannot_be_written_costs_the_history_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line in the log says so."""
    annals = Annals(tmp_path / "not" / "there")
    kept = History(annals, "a")
    for term in range(1, 4):
        kept.began("default", term, "a", term)
        annals.close()
    assert len(kept.leaderships(0)) == 3
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        f"the history in {tmp_path}/not/there/{FILE} cannot be kept"
    ]
