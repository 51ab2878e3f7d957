"""Every benchmark, one after the other: `python -m tests.benchmarks`, some twenty minutes."""

import subprocess
import sys

PROGRAMS = (
    ("hot_path",),
    ("idle",),
    ("faults",),
    ("failover", "--candidates", "3"),
    ("failover", "--candidates", "20"),
)


def main() -> None:
    """Run them, each in a process of its own, and end with an error if one did."""
    for program, *options in PROGRAMS:
        print(f"== {program} {' '.join(options)}", flush=True)
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{program}", *options], check=True)


if __name__ == "__main__":
    main()
