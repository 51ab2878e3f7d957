"""`leader agent --dev`, as the README says it word by word: two agents, and Ctrl-C on the first one."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.agents import PROJECT, short_directory
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("dev")


def lines_to_try() -> list[str]:
    """The commands under "Try it by hand", in their order; the environment is entered by the test's PATH."""
    text = (PROJECT / "README.md").read_text().partition("## Try it by hand")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("leader ")]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """A user's environment in which nothing of this machine's own agents is found."""
    with short_directory() as directory:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        yield {"PATH": path, "HOME": str(directory), "XDG_RUNTIME_DIR": str(directory)}


@contextmanager
def agent(line: str, environment: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The agent that this command line starts in the foreground of a terminal."""
    with log.open("wb") as output:
        process = subprocess.Popen(line.split(), env=environment, stderr=output, stdout=output, cwd="/")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ask(line: str, environment: dict[str, str]) -> int:
    """The exit code of a command line in a shell; its words are of no interest."""
    done = subprocess.run(line, shell=True, env=environment, capture_output=True, check=False)  # noqa: S602
    return done.returncode


def test_two_commands_elect_a_leader_and_ctrl_c_on_the_first_agent_hands_over(
    environment: dict[str, str],
) -> None:
    """No configuration is there, the second agent joins the first one's servers, and nothing is left."""
    first_line, ask_line, status_line, second_line = lines_to_try()
    home = Path(environment["HOME"])
    with (
        agent(first_line, environment, home / "first") as first,
        agent(second_line, environment, home / "second") as second,
    ):
        until(
            lambda: ask(ask_line, environment) == 0, "the first agent leads, where clients look by themselves"
        )
        assert ask(status_line, environment) == 0
        hint = until(
            lambda: re.search(r"LEADER_SOCKET=\S+ leader is-leader", (home / "second").read_text()),
            "the second agent says how to ask it",
        ).group()
        until(lambda: ask(hint, environment) == 1, "it is a candidate")
        first.send_signal(signal.SIGINT)
        until(lambda: ask(hint, environment) == 0, "it leads")
        assert first.wait(10) == 0
        assert ask(ask_line, environment) == 3
        second.send_signal(signal.SIGINT)
        assert second.wait(10) == 0
    until(lambda: not list(home.glob("leader-dev-*")), "the servers and their files are gone")


def test_dev_needs_no_configuration_and_says_so(environment: dict[str, str]) -> None:
    """`--dev --config` is a mistake: which of the two counts, nobody should have to guess."""
    done = subprocess.run(
        ["leader", "agent", "--dev", "--config", "x.toml"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("leader: --dev needs no configuration: leave out --config, or leave out --dev\n")
