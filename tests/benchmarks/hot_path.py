"""How much slower is `leader is-leader` than shell or Python alone? `python -m tests.benchmarks.hot_path`.

The package is installed from a wheel in a clean environment; the programs take turns, so that what else
the machine does hits both alike. A yes that the shell says is to take at most 1.5 times `sh -c true`, what
is asked in Python at most 1.3 times `python -I -c pass` of that environment. Then a thousand ask a real agent
at once, with the default time-out, and all should be answered right.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from leader.instances.embedded import EmbeddedQuorum
from tests.benchmarks.goals import exit_code, judge
from tests.benchmarks.nodes import Cluster
from tests.e2e.installed import install

RUNS = 200
WARM_UP = 20
SHELL, PYTHON = "sh -c true", "python -I -c pass"
BY_SHELL, BY_PYTHON = "leader is-leader", "leader is-leader, in Python"
BY_BOTH = "leader is-leader -- default"
"""What the shell hands on to Python: as where another node leads."""
GOALS = {BY_SHELL: (SHELL, 1.5), BY_PYTHON: (PYTHON, 1.3)}
"""What each is compared with, and at most how much longer it may take."""
AT_ONCE = 1000


def main() -> int:
    """Measure, and print medians, quartiles and the ratio; 3 if a goal was missed."""
    with tempfile.TemporaryDirectory() as folder:
        programs = install(Path(folder))
        with EmbeddedQuorum(Path(folder) / "q", 3, "tcp") as quorum:
            cluster = Cluster(Path(folder), quorum.urls, "10s")
            try:
                cluster.start(1)
                path = cluster.wait_for_leader().socket_path
                environment = {"PATH": os.defpath, "LEADER_SOCKET": str(path)}
                report(measure(programs, environment))
                storm(programs, environment)
            finally:
                cluster.stop()
    return exit_code()


def measure(programs: Path, environment: dict[str, str]) -> dict[str, list[float]]:
    """The milliseconds of each run of each program; those of one kind take turns among themselves.

    Behind Python, whatever comes first would find the processor's memory cold.
    """
    python, leader = str(programs / "python"), str(programs / "leader")
    shells = {SHELL: ["sh", "-c", "true"], BY_SHELL: [leader, "is-leader"]}
    pythons = {
        PYTHON: [python, "-I", "-c", "pass"],
        BY_PYTHON: [f"{leader}-python", "is-leader"],
        BY_BOTH: [leader, "is-leader", "--", "default"],
    }
    return in_turns(shells, 5 * RUNS, environment) | in_turns(pythons, RUNS, environment)


def in_turns(
    commands: dict[str, list[str]], runs: int, environment: dict[str, str]
) -> dict[str, list[float]]:
    """The milliseconds of so many runs of each, one after the other again and again."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(WARM_UP + runs):
        for name, command in commands.items():
            took_ms = timed_ms(command, environment)
            if turn >= WARM_UP:
                times[name].append(took_ms)
    return times


def timed_ms(command: list[str], environment: dict[str, str]) -> float:
    """What a whole process takes that must succeed, with as little around it as there can be."""
    before = time.perf_counter_ns()
    pid = os.posix_spawnp(command[0], command, environment)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter_ns() - before
    assert status == 0, command
    return took / 1e6


def report(times: dict[str, list[float]]) -> None:
    """Print what was measured."""
    for name, runs in times.items():
        low, median, high = statistics.quantiles(runs, n=4)
        print(f"{name:27} median {median:6.2f} ms, quartiles {low:.2f} to {high:.2f}, of {len(runs)} runs")
    for name, (base, most) in GOALS.items():
        ratio = statistics.median(times[name]) / statistics.median(times[base])
        print(f"{name}: {ratio:.3f} times {base}, {judge(name, ratio, most, 'times')}")


def storm(programs: Path, environment: dict[str, str]) -> None:
    """Let many ask at once, in a session of their own like cron's jobs, and print how they were answered."""
    ask = f"{programs / 'leader'} is-leader"
    script = f'for i in $(seq {AT_ONCE}); do {ask} & p="$p $!"; done; for i in $p; do wait $i; echo $?; done'
    before = time.perf_counter_ns()
    done = subprocess.run(
        ["/bin/sh", "-c", script], env=environment, stdout=subprocess.PIPE, check=True, start_new_session=True
    )
    seconds = (time.perf_counter_ns() - before) / 1e9
    codes = Counter(done.stdout.decode().split())
    wrong = AT_ONCE - codes["0"]
    print(
        f"{AT_ONCE} at once in {seconds:.1f} s, by exit code: {dict(codes)}, "
        f"{judge('storm', wrong, 0, 'wrong')}"
    )


if __name__ == "__main__":
    sys.exit(main())
