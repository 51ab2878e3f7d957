"""How much slower is `leader is-leader` than Python itself? Run with `python -m tests.benchmarks.hot_path`.

The package is installed from a wheel in a clean environment; the programs take turns, so that what else
the machine does hits both alike. The goal: at most 1.3 times `python -I -c pass` of that environment. Then
a thousand ask at once, with the default time-out, and all should be answered right.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.e2e.installed import install
from tests.unit.api.handmade import process

RUNS = 200
WARM_UP = 20
GOAL = 1.3
AT_ONCE = 1000


def main() -> None:
    """Measure, and print medians, quartiles and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        programs = install(Path(folder))
        path = Path(folder) / "leader.sock"
        with process(path):
            environment = {"PATH": os.defpath, "LEADER_SOCKET": str(path)}
            report(measure(programs, environment))
            storm(programs, environment)


def measure(programs: Path, environment: dict[str, str]) -> dict[str, list[float]]:
    """The milliseconds of each run of each program."""
    python = str(programs / "python")
    commands = {
        "python -I -c pass": [python, "-I", "-c", "pass"],
        "leader is-leader": [str(programs / "leader"), "is-leader"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(WARM_UP + RUNS):
        for name, command in commands.items():
            before = time.perf_counter_ns()
            subprocess.run(command, env=environment, check=True)
            if turn >= WARM_UP:
                times[name].append((time.perf_counter_ns() - before) / 1e6)
    return times


def report(times: dict[str, list[float]]) -> None:
    """Print what was measured."""
    for name, runs in times.items():
        low, median, high = statistics.quantiles(runs, n=4)
        print(f"{name:18} median {median:6.2f} ms, quartiles {low:.2f} to {high:.2f}, of {len(runs)} runs")
    base, asked = (statistics.median(runs) for runs in times.values())
    print(f"ratio {asked / base:.3f}, goal at most {GOAL}")


def storm(programs: Path, environment: dict[str, str]) -> None:
    """Let many ask at once, and print how they were answered."""
    ask = f"{programs / 'leader'} is-leader"
    script = f'for i in $(seq {AT_ONCE}); do {ask} & p="$p $!"; done; for i in $p; do wait $i; echo $?; done'
    before = time.perf_counter_ns()
    done = subprocess.run(["/bin/sh", "-c", script], env=environment, stdout=subprocess.PIPE, check=True)
    seconds = (time.perf_counter_ns() - before) / 1e9
    print(
        f"{AT_ONCE} at once in {seconds:.1f} s, by exit code: {dict(Counter(done.stdout.decode().split()))}"
    )


if __name__ == "__main__":
    main()
