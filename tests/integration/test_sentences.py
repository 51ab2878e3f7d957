"""What a command says when it is used wrongly or meets something odd: the whole sentence, and the exit code.

`tests/unit/test_messages.py` demands that every message is quoted by a test; most of those stand beside what
they are about.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.impostor import answering
from tests.support.node import PROJECT
from tests.unit.api import handmade

USAGE, UNREACHABLE, REFUSED, BAD_CONFIGURATION, UNDECIDED = 2, 3, 1, 78, 75
INCOMPLETE = '[quorum]\nlease = "10s"\n'


def leader(directory: Path, *words: str) -> tuple[int, str]:
    """How `leader` ends with these words, and all that it says on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "leader", *words],
        env={"PATH": os.environ["PATH"], "LEADER_RUNTIME_DIR": str(directory), "HOME": str(directory)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("agent leader.toml", USAGE, "leader: agent takes no 'leader.toml': see `leader agent --help`"),
        ("agent --log xml", USAGE, "leader: --log xml is not a style of the log: say text or json"),
        (
            "demo --story --seconds 5",
            USAGE,
            "leader: --seconds ends the live display: leave out --story, and run it on a terminal",
        ),
        (
            "doctor /etc/crontab",
            USAGE,
            "leader: /etc/crontab is not expected: say --crontab in front of crontabs",
        ),
        (
            "doctor --crontab /",
            USAGE,
            "leader: the crontab / cannot be read (Is a directory): name a file that you may read",
        ),
        (
            "status a b",
            USAGE,
            "leader: status takes one election, not 'b' as well: see `leader status --help`",
        ),
        (
            "pause --for 0s",
            USAGE,
            "leader: --for is no time at all: leave it out for a pause that lasts until `leader resume`",
        ),
        (
            "top",
            USAGE,
            "leader: leader top needs a terminal that can show a full screen: use `leader status`",
        ),
        ("wach", USAGE, "leader: no such command 'wach': see `leader --help`"),
        ("is-leader --for", USAGE, "leader is-leader: --for needs a value, as in --for 5s"),
        ("is-leader --socket", USAGE, "leader is-leader: --socket needs a value, as in --socket PATH"),
        (
            "once -- true",
            USAGE,
            "leader once: name the job, the same on every node, as in: once report -- /usr/local/bin/report",
        ),
        ("run --forever=yes -- true", USAGE, "leader run: --forever takes no value: leave out 'yes'"),
        ("run --grace", USAGE, "leader run: --grace needs a value: see --help"),
        (
            "config init --config /proc/x",
            REFUSED,
            (
                "leader: /proc/x cannot be written (No such file or directory): run this as root, or name "
                "another with --config"
            ),
        ),
    ],
)
def test_what_is_wrong_with_the_words_of_a_command(tmp_path: Path, words: str, code: int, said: str) -> None:
    """One line."""
    assert leader(tmp_path, *words.split()) == (code, f"{said}\n")


def test_what_is_missing_in_a_configuration_is_told_line_by_line(tmp_path: Path) -> None:
    """A cluster and servers, with what to write."""
    file = tmp_path / "leader.toml"
    file.write_text(INCOMPLETE)
    assert leader(tmp_path, "config", "check", "--config", str(file)) == (
        BAD_CONFIGURATION,
        (
            f'leader: {file}: cluster: is missing; name what the nodes share, as in cluster = "prod", or set '
            "LEADER_CLUSTER\n"
            f"leader: {file}: quorum.instances: is missing; list the URLs of the Redis servers, or set "
            "LEADER_QUORUM\n"
        ),
    )


def test_one_directory_for_both_runtime_and_state_is_refused(tmp_path: Path) -> None:
    """Two files of the same name would be one."""
    file = tmp_path / "leader.toml"
    file.write_text('cluster = "c"\n[quorum]\ninstances = ["redis://127.0.0.1:1"]\n')
    done = subprocess.run(
        [sys.executable, "-m", "leader", "agent", "--config", str(file)],
        env={
            "PATH": os.environ["PATH"],
            "LEADER_RUNTIME_DIR": str(tmp_path),
            "LEADER_STATE_DIR": str(tmp_path),
        },
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == BAD_CONFIGURATION
    assert done.stderr.splitlines()[-1] == (
        f"leader: {tmp_path} is the directory for both runtime and state: name another one for one of them "
        "with LEADER_RUNTIME_DIR or LEADER_STATE_DIR"
    )


GREETING = b"220 mail.example ESMTP\r\n\r\n"
BUSY = b'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 16\r\n\r\n{"error": "why"}'


@pytest.mark.parametrize(
    ("words", "answer", "said"),
    [
        (
            "is-leader",
            GREETING,
            (
                "leader is-leader: unknown: what answers at {path} is not a leader agent: check --socket and "
                "LEADER_SOCKET"
            ),
        ),
        (
            "is-leader",
            BUSY,
            "leader is-leader: unknown: the agent gave no answer but status 500: see its log",
        ),
        ("status", GREETING, "leader: what answers at {path} is not a leader agent: check --socket"),
        ("status", BUSY, "leader: the agent at {path} gave no answer: why"),
    ],
)
def test_whatever_else_answers_at_the_socket_is_no_agent(
    tmp_path: Path, words: str, answer: bytes, said: str
) -> None:
    """3, and who it is that answers."""
    path = tmp_path / "leader.sock"
    with answering(path, answer):
        assert leader(tmp_path, *words.split()) == (UNREACHABLE, said.format(path=path) + "\n")


def test_what_an_agent_does_not_know_is_told(tmp_path: Path) -> None:
    """A job that never ran; an agent whose status has another form."""
    with handmade.process(tmp_path / "leader.sock"):
        assert leader(tmp_path, "jobs", "nope") == (
            REFUSED,
            "leader: no tick of job 'nope' is known: `leader jobs` shows those that are\n",
        )
    body = b"{}"
    with answering(
        tmp_path / "old.sock", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    ):
        code, said = leader(tmp_path, "status", "--socket", str(tmp_path / "old.sock"))
    assert code == UNREACHABLE
    assert said.startswith(f"leader: the agent at {tmp_path}/old.sock is of another version (")
    assert said.endswith("): restart it, or ask it with the command that belongs to it\n")
