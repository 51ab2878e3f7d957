"""The question that crontabs ask each minute, measured from the installed package."""

import json
from collections.abc import Callable

import pytest

from tests.packaging.installed import lead
from tests.packaging.machine import SHARED, Machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("packages"),
    pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "dpkg", "redis-server"),
    pytest.mark.timeout(300),
]
GOAL = 1.3
"""Times as long as Python itself, at most."""
MEASURE = """\
import json, statistics, subprocess, time
commands = {
    "python": ["/usr/lib/leader/bin/python", "-I", "-c", "pass"],
    "leader": ["/usr/bin/leader", "is-leader"],
}
taken = {name: [] for name in commands}
for turn in range(220):
    for name, command in commands.items():
        began = time.perf_counter_ns()
        subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, check=True)
        taken[name].append(time.perf_counter_ns() - began)
print(json.dumps({name: statistics.quantiles(times[20:], n=10)[0] / 1e6 for name, times in taken.items()}))
"""
"""They take turns, and the fastest tenth counts, so what else the machine does matters little."""


def test_a_user_asks_as_fast_as_python_starts(node: Machine, figures: Callable[[str], None]) -> None:
    """In the environment that cron gives, and compared with the package's own Python, which loads nothing."""
    lead(node)
    node.write(f"{SHARED}/measure.py", MEASURE)
    told = json.loads(node.do(f"/usr/bin/python3 {SHARED}/measure.py", user="nobody", within_s=200))
    ratio = told["leader"] / told["python"]
    figures(f"is-leader {told['leader']:.2f} ms, Python alone {told['python']:.2f} ms: {ratio:.2f} times")
    assert ratio < GOAL
