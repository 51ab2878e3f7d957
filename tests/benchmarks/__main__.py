"""Every benchmark, one after the other, and one table of them all.

    python -m tests.benchmarks [--quick] [--minutes N] [--out DIRECTORY] [PART…]

Each is a program of its own, in this folder; PART names some of them. What they measured goes to
`RESULTS.md`, `results.svg` and `results.jsonl` here, part by part; what a quick run measured is only
printed, unless a directory is named for it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from leader.clock import now_ns, wall_ms
from tests.benchmarks import surroundings
from tests.benchmarks.results import HERE, Results, Run, load, save
from tests.benchmarks.rows import RECORD, from_line
from tests.benchmarks.table import plain


@dataclass(frozen=True, slots=True)
class Part:
    """A program of this folder, and the options that make it quick."""

    name: str
    quick: tuple[str, ...] = ("--quick",)


PARTS = (
    Part("hot_path", ()),
    Part("failover"),
    Part("footprint"),
    Part("scale"),
    Part("simulated"),
    Part("api"),
    Part("start"),
    Part("load"),
    Part("faults", ()),
    Part("deadline", ("--times", "5")),
    Part("once", ("--starts", "10", "--leaves", "5", "--jobs", "30")),
    Part("ticks", ("--ticks", "12")),
    Part("status", ("--times", "5")),
    Part("probes", ("--requests", "3000")),
)
ORDER = [part.name for part in PARTS]


def main() -> int:
    """Run them, each in a process of its own; 1 if one failed or missed a goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    parser.add_argument("--minutes", type=float, help="for how long each burden of `load` lasts")
    parser.add_argument("--out", type=Path, help="where results are written")
    parser.add_argument("part", nargs="*", choices=[*ORDER, []], help="only these")
    options = parser.parse_args()
    chosen = [part for part in PARTS if part.name in (options.part or ORDER)]
    out = options.out or (None if options.quick else HERE)
    measured = Results()
    for part in chosen:
        measured = measured.merged(run(part, options.minutes, quick=options.quick), ORDER)
        if out is not None:
            save(load(out).merged(measured, ORDER), out)
    print(f"\n{surroundings.machine()}\n{surroundings.versions()}\n\n{plain(measured.rows)}")
    return int(any(each.code for each in measured.runs))


def run(part: Part, minutes: float | None, *, quick: bool) -> Results:
    """One program, with what it tells on standard output."""
    print(f"== {part.name}", flush=True)
    load_before, began_ns = surroundings.load(), now_ns()
    began = datetime.fromtimestamp(wall_ms() / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    command = [sys.executable, "-m", f"tests.benchmarks.{part.name}", *(part.quick if quick else ())]
    if minutes and part.name == "load":
        command += ["--minutes", str(minutes)]
    with tempfile.NamedTemporaryFile(prefix="bench-") as record:
        code = subprocess.run(command, env={**os.environ, RECORD: record.name}, check=False).returncode
        rows = tuple(from_line(line) for line in Path(record.name).read_text("utf-8").splitlines())
    told = Run(
        part.name,
        began,
        round((now_ns() - began_ns) / 1e9, 1),
        round(load_before, 2),
        quick,
        code,
        surroundings.machine(),
        surroundings.versions(),
    )
    return Results((told,), rows)


if __name__ == "__main__":
    sys.exit(main())
