"""What the history makes of what it is told and of what it sees; and what a restart leaves of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from leader import clock
from leader.agent import history
from leader.agent.annals import FILE, Annals
from leader.agent.ends import EndTold, read_ends
from leader.agent.history import History, Sight
from leader.agent.registry import encode
from leader.instances.registry import LONGEST_REGISTRATION
from leader.protocol.events import NS_PER_MS
from leader.protocol.record import Holder
from leader.protocol.snapshot import LeadershipView
from tests.unit.agent.test_registry import ENTRY

SECOND = 1000 * NS_PER_MS
BLIND = Sight(blind=True)


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


async def test_a_failed_claim_that_is_released_hides_no_release_before_it(annals: Annals) -> None:
    """Between two leaderships others may try in vain, and release what they took."""
    kept = History(annals, "a")
    kept.seen("default", held("b", 5), 0)
    kept.saw_release("default", 5)
    kept.saw_release("default", 6)
    kept.began("default", 7, "a", SECOND)
    assert causes(kept.leaderships(SECOND)) == [(7, "a", ""), (5, "b", "released")]


async def test_none_has_ended_before_it_began(annals: Annals) -> None:
    """The records may have been renewed for the last time before this node looked at them."""
    kept = History(annals, "a")
    now = clock.now_ns()
    kept.seen("default", held("b", 5), now)
    kept.seen("default", held("b", 5), now, Sight(now - 3600 * SECOND))
    kept.seen("default", None, now)
    (view,) = kept.leaderships(now)
    assert view.began <= view.ended
    assert view.lasted_ms == 0


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
    again.seen("default", held("c", 6), SECOND, BLIND)
    assert causes(again.leaderships(SECOND)) == [(6, "c", ""), (9, "a", ""), (5, "b", "unseen")]
    again.told("b", EndTold("default", 5, "paused", "paused by root"), SECOND)
    assert again.leaderships(SECOND)[2].cause == "paused"
    assert again.leaderships(SECOND)[2].gap_ms is None


async def test_what_is_seen_to_end_after_a_restart_has_expired(annals: Annals, tmp_path: Path) -> None:
    """The restarted agent saw it go on, and saw when it was no longer renewed."""
    History(annals, "a").seen("default", held("b", 5), 0)
    annals.close()
    again = of(tmp_path)
    again.seen("default", held("b", 5), SECOND, Sight(SECOND, blind=True))
    again.seen("default", held("c", 6), 2 * SECOND, Sight(2 * SECOND))
    assert causes(again.leaderships(2 * SECOND)) == [(6, "c", ""), (5, "b", "expired")]
    assert again.leaderships(2 * SECOND)[1].gap_ms is not None


async def test_one_that_was_lost_sight_of_and_is_seen_again_has_never_ended(
    annals: Annals, tmp_path: Path
) -> None:
    """Nothing of its end is left, not in the file either; one that was released does not come back."""
    kept = History(annals, "a")
    kept.seen("default", held("b", 5), 0)
    kept.seen("default", None, 9 * SECOND, BLIND)
    assert causes(kept.leaderships(9 * SECOND)) == [(5, "b", "unseen")]
    assert not kept.seen("default", held("b", 5), 10 * SECOND, BLIND)
    (view,) = kept.leaderships(11 * SECOND)
    assert (view.ended, view.cause, view.reason, view.lasted_ms) == ("", "", "", 11_000)
    annals.close()
    assert causes(of(tmp_path).leaderships(0)) == [(5, "b", "")]
    kept.saw_release("default", 5)
    kept.seen("default", None, 12 * SECOND)
    kept.seen("default", held("b", 5), 13 * SECOND)
    assert causes(kept.leaderships(13 * SECOND)) == [(5, "b", "released")]


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
    damaged = (
        '"term":7,"node":"b","began_ms":"soon"',
        '"term":"7","node":"b","began_ms":1',
        '"term":7,"node":[],"began_ms":1',
        '"term":7,"node":"b","began_ms":1,"ended_ms":""',
        '"term":7,"node":"b","began_ms":1e99',
        '"term":7,"node":"b","began_ms":-1',
    )
    with (tmp_path / FILE).open("a") as file:
        file.writelines(f'{{"line":"leadership","election":"default",{fields}}}\n' for fields in damaged)
        file.write('{"line":"incident","kind":"frozen","at_ms":null,"duration_ms":1,"sentence":"x"}\n')
        file.write('[]\nnonsense\n{"line":"leadership","term":7}\n{"line":"leadership","elec')
    second = Annals(tmp_path)
    History(second, "a").began("default", 6, "a", 0)
    second.close()
    again = of(tmp_path)
    assert [view.term for view in again.leaderships(0)] == [6, 5]
    assert again.incidents() == ()


async def test_the_history_is_bounded_and_its_file_too(
    annals: Annals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go first; the file is written anew when most of it is outdated, while the agent runs."""
    monkeypatch.setattr(history, "MOST_LEADERSHIPS", 10)
    monkeypatch.setattr(history, "MOST_INCIDENTS", 10)
    kept = History(annals, "a")
    for term in range(1, 100):
        kept.began("default", term, "a", term)
        kept.ended(EndTold("default", term, "released", "the agent stopped"), term)
        kept.happened("frozen", term, "this agent stood still")
        annals.close()
        length = len((tmp_path / FILE).read_text().splitlines())
        assert length == annals.length
        assert length <= 2 * (10 + 10) + history.SLACK + 3
    again = of(tmp_path)
    assert [view.term for view in again.leaderships(0)] == list(range(99, 89, -1))
    assert len(again.incidents()) == 10


async def test_all_elections_that_a_node_loses_at_once_are_told(annals: Annals) -> None:
    """However many they are; when they are old, the last few remain."""
    kept = History(annals, "a")
    for number in range(20):
        kept.began(f"e{number}", 7, "a", 0)
        kept.ended(EndTold(f"e{number}", 7, "frozen", "this node stood still for 12.3 s"), 0)
    assert len(kept.own_ends()) == history.TOLD
    for number in range(20):
        kept.began(f"e{number}", 8, "a", SECOND)
        kept.ended(EndTold(f"e{number}", 8, "frozen", "this node stood still for 12.3 s"), clock.now_ns())
    assert {end.election for end in kept.own_ends()} == {f"e{number}" for number in range(20)}


async def test_a_node_that_loses_again_and_again_tells_no_more_than_others_read(annals: Annals) -> None:
    """What is longer they leave out, with the whole node; so of its ends the newest are told, in full."""
    kept = History(annals, "a")
    for term in range(1, 900):
        kept.began("default", term, "a", term)
        kept.ended(EndTold("default", term, "clock-jumped", "the wall clock jumped " * 8), clock.now_ns())
    told = kept.own_ends()
    assert [end.term for end in told] == list(range(900 - len(told), 900))
    assert len(encode(replace(ENTRY, ended=told))) < LONGEST_REGISTRATION
    assert len(told) > history.TOLD


async def test_only_the_last_own_ends_are_told_to_others(
    annals: Annals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry carries them at each beat, so there are few; they are read back as they were written."""
    kept = History(annals, "a")
    monkeypatch.setattr(history, "FRESH_MS", 0)
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
