"""`leader health` and an agent that answers as it is told to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leader.api.client import Client
from leader.cli.main import main
from leader.protocol.snapshot import AgentView
from tests.unit.api.handmade import HandmadeSource, thread

OK, WARNING, CRITICAL, UNKNOWN = range(4)


class Leaderless(HandmadeSource):
    """Nobody leads for the first so many looks."""

    looks = 0
    without = 0

    def view(self) -> AgentView:
        self.looks += 1
        view = super().view()
        leader = "" if self.looks <= self.without else "web-2"
        return replace(view, elections=tuple(replace(e, leader=leader) for e in view.elections))


def health(source: HandmadeSource, directory: Path, *arguments: str) -> int:
    """The exit code."""
    path = directory / "leader.sock"
    with thread(path, source):
        return main(["health", "--socket", str(path), *arguments])


def test_a_moment_without_a_leader_is_no_alarm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As at a planned hand-over: it is looked at again, and the new leader is told."""
    source = Leaderless()
    source.without = 3
    assert health(source, tmp_path) == OK
    assert source.looks == 4
    assert capsys.readouterr().out.startswith(
        "LEADER OK - default: web-2 leads; reports: web-2 leads; well |"
    )


@pytest.mark.parametrize(("lease_ms", "timeout"), [(200, "30s"), (30_000, "200ms")])
def test_nobody_for_a_lease_or_the_patience_is_critical(tmp_path: Path, lease_ms: int, timeout: str) -> None:
    """Whichever of the two is shorter; a check must come back."""
    source = Leaderless(lease_ms=lease_ms)
    source.without = 1_000_000
    assert health(source, tmp_path, "--timeout", timeout) == CRITICAL
    assert source.looks > 1


def test_one_election_is_judged_alone(tmp_path: Path) -> None:
    """Another one's name is no part of the cluster's health, but an error of who asks."""
    assert health(HandmadeSource(), tmp_path, "reports") == OK
    assert health(HandmadeSource(), tmp_path, "nope") == UNKNOWN


def test_what_the_history_tells_of_the_last_hour_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A freeze of the agent, say; an agent that keeps no history has none."""
    frozen: dict[str, Any] = {
        "kind": "frozen",
        "at": "",
        "duration_ms": 4000,
        "sentence": "the agent stood still for 4s",
    }

    def history(ms_ago: int) -> None:
        told = {"leaderships": [], "incidents": [{**frozen, "ms_ago": ms_ago}]}
        monkeypatch.setattr(Client, "history", lambda _: told)

    history(ms_ago=60_000)
    assert health(HandmadeSource(), tmp_path) == WARNING
    assert capsys.readouterr().out.startswith("LEADER WARNING - the agent stood still for 4s 1m ago |")
    history(ms_ago=7_200_000)
    assert health(HandmadeSource(), tmp_path) == OK


def test_a_bug_is_unknown_and_not_a_failed_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever goes wrong in the check itself, monitoring reads one line that says so."""

    def status(_: Client) -> dict[str, object]:
        raise ZeroDivisionError

    monkeypatch.setattr(Client, "status", status)
    assert health(HandmadeSource(), tmp_path) == UNKNOWN
    told = capsys.readouterr()
    assert (told.out.startswith("LEADER UNKNOWN - a bug in leader (ZeroDivisionError"), told.err) == (
        True,
        "",
    )
