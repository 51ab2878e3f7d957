"""The completions of bash, zsh and fish, in these shells: commands, options, files, what the agent knows."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leader.manual.__main__ import main
from tests.e2e.terminal import on_terminal
from tests.support.agents import PROJECT, Cluster, Node, Settings, quorum_of, short_directory
from tests.support.polling import until

pytestmark = [pytest.mark.xdist_group("completions"), pytest.mark.needs("zsh", "fish")]

Complete = Callable[[str], set[str]]
BASH = """
source {file}
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_LINE={line}
_leader leader "${{COMP_WORDS[-1]}}" "${{COMP_WORDS[-2]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files were written."""
    written = tmp_path_factory.mktemp("completions")
    main(["completions", str(written)])
    return written


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """An agent of three elections, node `web-1`."""
    elections = {"default": 100, "reports": 100, "roll-up": 100}
    with quorum_of(1) as quorum, short_directory() as directory:
        with Cluster(directory, Settings(quorum.urls, elections=elections), "") as cluster:
            found = cluster.add("web-1")
            found.start()
            until(lambda: found.status()["nodes"], "the node has been seen")
            yield found


@pytest.fixture
def environment(node: Node, tmp_path: Path) -> dict[str, str]:
    """That of a shell which finds this checkout's command and that agent."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    home = {"HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    return {**home, "PATH": path, "LEADER_SOCKET": str(node.socket)}


def bash(directory: Path, environment: dict[str, str], line: str) -> set[str]:
    """What bash offers at the end of a line."""
    words = " ".join(map(shlex.quote, line.split(" ")))
    code = BASH.format(file=directory / "leader.bash", words=words, line=shlex.quote(line))
    return _lines(["bash", "--norc", "-c", code], environment)


def fish(directory: Path, environment: dict[str, str], line: str) -> set[str]:
    """What fish offers at the end of a line, without what it says of each."""
    code = f"source {directory / 'leader.fish'}; complete -C {shlex.quote(line)}"
    return {offer.partition("\t")[0] for offer in _lines(["fish", "--no-config", "-c", code], environment)}


def _lines(command: list[str], environment: dict[str, str]) -> set[str]:
    done = subprocess.run(
        command, env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=True
    )
    assert not done.stderr
    return set(done.stdout.split("\n")) - {""}


@pytest.fixture(params=[bash, fish])
def complete(request: pytest.FixtureRequest, directory: Path, environment: dict[str, str]) -> Complete:
    """What a shell offers at the end of a line."""
    return lambda line: set(request.param(directory, environment, line))


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("leader st", {"status", "step-down"}),
        ("leader config ", {"check", "show", "init"}),
        ("leader config init --f", {"--force"}),
        ("leader once report --ov", {"--overlap"}),
        ("leader once report --overlap ", {"allow", "skip"}),
        ("leader agent --log ", {"text", "json"}),
        ("leader agent --config pyproject.t", {"pyproject.toml"}),
        ("leader status r", {"reports", "roll-up"}),
        ("leader once x --election d", {"default"}),
        ("leader step-down --to w", {"web-1"}),
        ("leader forget ", {"web-1"}),
        ("leader pause --reason ", set()),
    ],
)
def test_bash_and_fish_offer_what_can_stand_there(complete: Complete, line: str, offers: set[str]) -> None:
    """Commands, options, their words, files, elections and nodes; and nothing else."""
    assert complete(line) == offers


@pytest.mark.parametrize("line", ["leader run reports -- mkd", "leader once job --gap 30s -- mkd"])
def test_a_command_of_its_own_is_completed_behind_two_dashes(complete: Complete, line: str) -> None:
    """As anywhere else in the shell."""
    assert "mkdir" in complete(line)


def test_an_agent_that_is_away_leaves_names_out_and_says_nothing(
    complete: Complete, environment: dict[str, str]
) -> None:
    """A line that is typed is no place for errors."""
    environment["LEADER_SOCKET"] = "/nowhere.sock"
    assert complete("leader status r") == set()
    assert complete("leader status --j") == {"--json"}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("leader he", "leader health"),
        ("leader config ini", "leader config init"),
        ("leader once x --overlap sk", "leader once x --overlap skip"),
        ("leader status rep", "leader status reports"),
        ("leader step-down --to w", "leader step-down --to web-1"),
        ("leader agent --config pyproject.t", "leader agent --config pyproject.toml"),
        ("leader run -- mkdi", "leader run -- mkdir"),
    ],
)
def test_zsh_completes_what_is_typed(
    directory: Path, environment: dict[str, str], typed: str, completed: str
) -> None:
    """On a terminal, by the tab key; what the line has become is printed by the key behind it."""
    keys = [
        f"fpath=({directory} $fpath)",
        "autoload -Uz compinit && compinit -u -D",
        "show() { print; print -r -- \"<$BUFFER>\"; BUFFER= }; zle -N show; bindkey '^X' show",
        "print ready; PS1='% '",
    ]
    with on_terminal([shutil.which("zsh") or "", "-f"], environment) as terminal:
        for line in keys:
            terminal.press(line.encode() + b"\n")
        terminal.shows("\nready")
        terminal.press(typed.encode() + b"\t\x18")
        terminal.shows(f"<{completed}")
