"""Whatever befalls agents and quorum, what the shell says by a lease file is true (rules R3, R4, R6)."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from leader.agent.leases import Sure
from leader.protocol.events import Effect, Event, HolderSaved
from leader.protocol.record import Holder
from tests.simulation.promises import BrokenPromise
from tests.simulation.seeds import settle
from tests.simulation.showing import SCRIPT, ShowingAgent, watched
from tests.simulation.timeline import LEASE_NS

pytestmark = pytest.mark.needs("dash")

SHARE = 100
"""Of so many seeds that other tests of the simulation try, one is tried here, since it asks a real shell."""
STORMS, STORM_LEASES = 2, 13.0
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a new directory in it
"""Where files are written as fast as in a runtime directory."""


def run(
    seed: int, agent: type[ShowingAgent] = ShowingAgent, script: str = "", *, calms: bool = True
) -> Counter[str]:
    """The storms and calms of one seed; return what the shell said."""
    with (
        tempfile.TemporaryDirectory(dir=MEMORY) as directory,
        watched(Path(directory), seed, agent=agent, script=script, operators=seed % 2 == 1) as (storm, watch),
    ):
        for _ in range(STORMS):
            storm.rage(STORM_LEASES)
            if calms:
                settle(storm)
    return watch.counts


def test_a_yes_of_the_shell_is_always_true(seeds: int, figures: Callable[[str], None]) -> None:
    """The agent that wrote the file lives and leads; or it cannot remove it, and nobody else leads yet."""
    counts: Counter[str] = Counter()
    for seed in range(max(2, seeds // SHARE)):
        counts += run(seed)
    figures(", ".join(f"{what}: {number}" for what, number in sorted(counts.items())))
    assert counts["yes"]
    assert seeds < 10 * SHARE or min(counts[what] for what in ("yes, frozen", "is asked", "not released")) > 0


class Late(ShowingAgent):
    """Withdraws its file when the release has been sent."""

    def _stops_showing(self, election: str) -> None:
        self._time.after(LEASE_NS // 50, super()._stops_showing, election)

    def _withdraws_in_time(self, election: str) -> None:
        pass

    def _news(self) -> dict[str, Sure | None]:
        return {name: news for name, news in super()._news().items() if news}


class Stuck(ShowingAgent):
    """Can never remove a file, and does not release then."""

    def _do(self, election: str, effect: Effect) -> None:
        self.leases.removable = False
        super()._do(election, effect)


class Careless(Stuck):
    """Can never remove a file, and releases all the same."""

    def _save_holder(self, election: str, holders: tuple[Holder, ...]) -> Event:
        super()._save_holder(election, holders)
        return HolderSaved(holders)


class Generous(ShowingAgent):
    """Tells a deadline that is later than the elector's."""

    def _news(self) -> dict[str, Sure | None]:
        told = super()._news()
        return {name: news and Sure(news.term, news.until + LEASE_NS // 5) for name, news in told.items()}


READ = 'began _ <"/proc/$pid/stat"'


def bent(*changes: tuple[str, str]) -> str:
    """The script with each of these texts replaced."""
    text = SCRIPT.read_text()
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


MUTANTS: dict[str, Callable[[int], object]] = {
    "withdrawn after the release": lambda seed: run(seed, Late),
    "released although it is still there": lambda seed: run(seed, Careless, calms=False),
    "a later deadline": lambda seed: run(seed, Generous),
    "the deadline is not looked at": lambda seed: run(seed, script=bent((' && [ "$now" -lt "$until" ]', ""))),
    "the process is not looked at": lambda seed: run(
        seed, script=bent((f"{READ} || return", READ), ('[ "$began" = "$start" ] || return', ":"))
    ),
}
"""What is wrong with agent or script, and how a seed is run with it."""


@pytest.mark.parametrize("mutant", MUTANTS)
def test_what_is_wrong_with_agent_or_script_is_caught(mutant: str) -> None:
    """Within some seeds, by a yes that is not true: so the test above can fail."""
    with pytest.raises(BrokenPromise, match="lease file"):
        for seed in range(30):
            MUTANTS[mutant](seed)


def test_an_agent_that_can_never_remove_its_file_is_never_a_second_leader() -> None:
    """It waits its deadline out, as one does that cannot write the file of rule R5."""
    counts: Counter[str] = Counter()
    for seed in range(3):
        counts += run(seed, Stuck, calms=False)
    assert counts["yes, cannot be removed"]
    assert counts["not released"]
