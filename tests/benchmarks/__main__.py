"""Every benchmark, one after the other: `python -m tests.benchmarks`, some half an hour."""

import subprocess
import sys

PROGRAMS = (
    ("hot_path",),
    ("idle",),
    ("status",),
    ("faults",),
    ("deadline",),
    ("once",),
    ("probes",),
    ("ticks",),
    ("failover", "--candidates", "3"),
    ("failover", "--candidates", "20"),
)


def main() -> int:
    """Run them, each in a process of its own; 1 if one failed or missed a goal."""
    codes = []
    for program, *options in PROGRAMS:
        print(f"== {program} {' '.join(options)}", flush=True)
        command = [sys.executable, "-m", f"tests.benchmarks.{program}", *options]
        codes.append(subprocess.run(command, check=False).returncode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
