"""`leader run -- CMD`: what the command gets, what its caller gets back, as if the shell had started it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import INTERRUPT, on_terminal
from tests.support.agents import PROJECT, Node, Settings, quorum_of, term_of
from tests.support.lone import lone
from tests.support.polling import until

pytestmark = pytest.mark.xdist_group("run")
STOPPED = 75


@pytest.fixture(scope="module")
def leader() -> Iterator[Node]:
    """A node that leads, with the default lease: nothing here is to end its leadership."""
    with (
        quorum_of(3) as quorum,
        lone(Settings(quorum.urls, lease="10s", elections={"default": 1, "o": 0})) as node,
    ):
        node.start()
        until(node.leads, "it leads")
        yield node


def start(node: Node, *words: str, **options: object) -> "subprocess.Popen[str]":
    """`leader run` with these words, piped."""
    settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        node.command("run", *words), env=node.places(), cwd=PROJECT, text=True, **settings
    )


def test_the_command_finds_the_fencing_token_in_its_environment(leader: Node) -> None:
    """Election, term, node, cluster and socket, for whatever checks them where it writes."""
    ended = leader.run("run", "--", "sh", "-c", "env | grep ^LEADER_ | sort")
    assert (ended.code, ended.complaint) == (0, "")
    assert (
        dict(line.split("=", 1) for line in ended.output.splitlines()).items()
        >= {
            "LEADER_CLUSTER": "test",
            "LEADER_ELECTION": "default",
            "LEADER_NODE": "a",
            "LEADER_SOCKET": str(leader.socket),
            "LEADER_TERM": str(term_of(leader)),
        }.items()
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "exit 255"], 255),
        (["sh", "-c", "kill -9 $$"], 128 + 9),
        (["sh", "-c", "kill -TERM $$"], 128 + 15),
    ],
)
def test_the_exit_code_is_the_commands_own(leader: Node, command: list[str], code: int) -> None:
    """Never changed; death by a signal as a shell tells it.

    Source: consul#947: the job's own exit code was lost.
    """
    ended = leader.run("run", "--", *command)
    assert (ended.code, ended.output, ended.complaint) == (code, "", "")


@pytest.mark.parametrize(
    ("word", "code", "why"),
    [
        ("no-such-command", 127, "No such file"),
        ("", 127, "there is no such command"),
        ("/etc/passwd", 126, "Permission"),
    ],
)
def test_what_cannot_be_run_is_127_or_126(leader: Node, word: str, code: int, why: str) -> None:
    """As a shell has it, with one sentence."""
    ended = leader.run("run", "--", word)
    assert ended.code == code
    assert ended.complaint.startswith(f"leader run: {word!r} cannot be run: {why}")
    assert ended.complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "there is no command: put it behind --"),
        (["true"], "there is no command: put it behind --"),
        (["--bogus", "--", "true"], "there is no option '--bogus'"),
        (["--grace", "soon", "--", "true"], "--grace: "),
        (["--grace"], "--grace needs a value"),
        (["--grace", "--", "true"], "--grace needs a value"),
        (["--grace", "6s", "--", "true"], "--grace 6s is more than half of the lease, 10s"),
        (["--forever=1", "--", "true"], "--forever takes no value"),
        (["a", "b", "--", "true"], "one election at a time: leave out 'b'"),
        (["nope", "--", "true"], "there is no election 'nope' here; there is: default, o"),
    ],
)
def test_wrong_usage_is_2_and_one_sentence(leader: Node, words: list[str], told: str) -> None:
    """And nothing is started."""
    ended = leader.run("run", *words)
    assert (ended.code, ended.output) == (2, "")
    assert told in ended.complaint
    assert ended.complaint.count("\n") == 1


def test_a_node_that_does_not_lead_waits_and_gives_up_with_75(leader: Node) -> None:
    """Patience ended: one line says who leads, or that nobody does."""
    ended = leader.run("run", "o", "--timeout", "300ms", "--", "touch", str(leader.directory / "started"))
    assert ended.code == STOPPED
    assert ended.complaint == "leader run: the command was not started: a does not lead o; nobody does\n"
    assert not (leader.directory / "started").exists()


def test_without_an_agent_it_goes_on_trying_and_gives_up_with_75(leader: Node) -> None:
    """An agent that is being restarted is waited for."""
    ended = leader.run("run", "--timeout", "300ms", "--socket", "/nowhere/leader.sock", "--", "true")
    assert ended.code == STOPPED
    assert "the command was not started: no agent has a socket at /nowhere/leader.sock" in ended.complaint


def test_standard_streams_are_the_commands_own(leader: Node) -> None:
    """Input in, output out, both to their ends, and a thousand arguments."""
    many = [str(number) for number in range(1000)]
    with start(
        leader,
        "--",
        "sh",
        "-c",
        'cat; echo $# "$@" | wc -w; echo err >&2',
        "sh",
        *many,
        stdin=subprocess.PIPE,
    ) as process:
        output, errors = process.communicate("x" * 3_000_000)
    assert output == f"{'x' * 3_000_000}1001\n"
    assert errors == "err\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_caller_that_has_closed_its_streams_is_no_obstacle(leader: Node, closed: str) -> None:
    """As some daemons do: what we open must not get their numbers."""
    script = f"{' '.join(leader.command('run', '--', 'sh', '-c'))} 'sleep 0.3; exit 7' {closed}"
    done = subprocess.run(["sh", "-c", script], env=leader.places(), cwd=PROJECT, check=False, timeout=30)
    assert done.returncode == 7


def test_no_patience_is_one_honest_try(leader: Node) -> None:
    """`--timeout 0s`: as `flock -n` has it."""
    ended = leader.run("run", "--timeout", "0s", "--", "echo", "ran")
    assert (ended.code, ended.output, ended.complaint) == (0, "ran\n", "")
    ended = leader.run("run", "o", "--timeout", "0s", "--", "echo", "ran")
    assert (ended.code, ended.output) == (STOPPED, "")
    assert ended.complaint == "leader run: the command was not started: a does not lead o; nobody does\n"


def test_a_reader_that_goes_away_ends_the_command_by_sigpipe(leader: Node) -> None:
    """`leader run -- yes | head -1`: nothing is left behind, and no traceback."""
    script = f"{' '.join(leader.command('run', '--', 'yes'))} | head -1"
    done = subprocess.run(
        ["sh", "-c", script],
        env=leader.places(),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("y\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_forwarded(leader: Node, number: signal.Signals) -> None:
    """The command decides what they mean.

    Source: consul#4439: Ctrl-C was ignored.
    """
    script = f"trap 'echo got; exit 9' {number.name.removeprefix('SIG')}; echo ready; while :; do :; done"
    with start(leader, "--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (9, "got\n", "")


def test_a_signal_while_it_waits_to_lead_ends_it(leader: Node) -> None:
    """Ctrl-C before there is a command: 130 and no traceback."""
    path = leader.directory / "mute.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        with start(leader, "--socket", str(path), "--", "true") as process:
            asked, _ = mute.accept()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            asked.close()
    assert (process.returncode, errors) == (130, "")


def test_on_a_terminal_the_command_has_it(leader: Node) -> None:
    """An interactive shell works, Ctrl-C reaches what runs in it, and its exit code comes back."""
    environment = {**leader.places(), "TERM": "dumb", "PS1": "> "}
    with on_terminal(leader.command("run", "--", "sh", "-i"), environment) as terminal:
        terminal.press(b"echo term is $LEADER_TERM\n")
        terminal.shows(f"term is {term_of(leader)}")
        terminal.press(b"sleep 1000; echo slept\n")
        until(
            lambda: (
                "sleep"
                in subprocess.run(
                    ["ps", "-o", "comm=", "--ppid", _shell(terminal.process.pid)],
                    capture_output=True,
                    text=True,
                    check=False,
                ).stdout
            ),
            "it sleeps",
        )
        terminal.press(INTERRUPT)
        terminal.press(b"echo still $((40 + 2))\n")
        terminal.shows("still 42")
        terminal.press(b"exit 5\n")
        assert terminal.ends() == 5


def _shell(pid: int) -> str:
    """The process id of the command below `leader run`: its watcher's child."""
    watcher = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
    return Path(f"/proc/{watcher}/task/{watcher}/children").read_text().split()[0]


def test_it_starts_without_what_takes_long_to_load(leader: Node) -> None:
    """No typer, rich, redis or asyncio: the command starts in little more than Python's own time."""
    code = (
        "import atexit, sys; sys.argv = ['leader', 'run', '--', 'true']\n"
        "atexit.register(lambda: print(*sys.modules, sep='\\n'))\n"
        "from leader.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=leader.places(),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()}
    assert not loaded & {
        "typer",
        "click",
        "rich",
        "redis",
        "asyncio",
        "hiredis",
        "h11",
        "psutil",
        "subprocess",
    }
