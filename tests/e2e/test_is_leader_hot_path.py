"""`leader is-leader` is cheap, and stays so a thousand times at once."""

import signal
import subprocess
import threading
from pathlib import Path

import pytest

from leader.api.client import Client
from tests.e2e.asking import Asker
from tests.support.agents import Settings, quorum_of
from tests.support.lone import lone
from tests.support.polling import until
from tests.unit.api.handmade import process

NEEDED = {
    "_socket",
    "leader",
    "leader.__main__",
    "leader.clock",
    "leader.fastpath",
    "leader.paths",
    "leader.reach",
}
"""All that is-leader may load on top of what Python itself loads."""

LOADED = """
import atexit, posix, sys
sys.argv = {argv!r}
end = posix._exit
def tell(code):
    sys.stderr.write("\\n".join(sys.modules))
    sys.stderr.flush()
    end(code)
posix._exit = tell
exec(compile(open({script!r}).read(), {script!r}, "exec"))
"""


def test_nothing_outside_the_allow_list_is_loaded(path: Path, ask: Asker, programs: Path) -> None:
    """The hot path stays hot: only `_socket` and files of its own, with any answer and any complaint."""
    python = str(programs / "python")
    plain = subprocess.run(
        [python, "-c", "import sys; print(*sys.modules, sep='\\n')"],
        env=ask.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    with process(path):
        for arguments in ([], ["-v"], ["nope"], ["--bogus"], ["--socket", "/nowhere"]):
            code = LOADED.format(argv=[ask.program, "is-leader", *arguments], script=f"{ask.program}-python")
            command = [python, "-c", code]
            done = subprocess.run(
                command, env=ask.environment, capture_output=True, text=True, timeout=30, check=False
            )
            loaded = set(done.stderr.splitlines()) - set(plain.stdout.split()) - {"atexit"}
            assert {name for name in loaded if not name.startswith("leader is-leader: ")} == NEEDED


def test_a_duration_loads_its_parser_and_nothing_else(path: Path, ask: Asker, programs: Path) -> None:
    """`--for` and `--timeout` are as hot."""
    with process(path):
        code = LOADED.format(argv=[ask.program, "is-leader", "--for", "1s"], script=f"{ask.program}-python")
        done = subprocess.run(
            [str(programs / "python"), "-c", code],
            env=ask.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    own = {name for name in done.stderr.splitlines() if name.partition(".")[0] == "leader"}
    assert own == {*NEEDED, "leader.durations"} - {"_socket"}
    assert "re" not in done.stderr.splitlines()


@pytest.mark.timeout(240)
def test_a_thousand_at_once_are_all_answered_right(ask: Asker) -> None:
    """Crontabs start many jobs in one second, and a real agent leads; half ask about what does not exist.

    They have a session of their own, like cron's jobs: the scheduler shares processors between sessions.
    """
    script = (
        f'for i in $(seq 500); do {ask.program} is-leader --timeout 50s & a="$a $!"; '
        f'{ask.program} is-leader nope --timeout 50s 2>/dev/null & b="$b $!"; done; '
        'for p in $a; do wait $p; echo "yes $?"; done; for p in $b; do wait $p; echo "nope $?"; done'
    )
    with quorum_of(3) as quorum, lone(Settings(quorum.urls, lease="10s")) as node:
        node.start()
        until(node.leads, "it leads")
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            env=ask.environment | {"LEADER_SOCKET": str(node.socket)},
            capture_output=True,
            text=True,
            timeout=200,
            check=True,
            start_new_session=True,
        )
    answers = done.stdout.splitlines()
    assert (answers.count("yes 0"), answers.count("nope 2")) == (500, 500)
    assert done.stderr == ""


def test_a_thousand_wait_for_a_stopped_agent_and_are_answered_when_it_goes_on(path: Path) -> None:
    """None is turned away by a full backlog: all of them get their answer."""
    answers: list[bool] = []
    with process(path, remaining_ms=100_000) as agent:
        agent.send_signal(signal.SIGSTOP)
        client = Client(path, timeout=40)
        threads = [threading.Thread(target=lambda: answers.append(client.is_leader())) for _ in range(1000)]
        for thread in threads:
            thread.start()
        agent.send_signal(signal.SIGCONT)
        for thread in threads:
            thread.join()
    assert answers == [True] * 1000
