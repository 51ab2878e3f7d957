"""Every benchmark, in the order of the plan, and one table of them all.

    python -m tests.benchmarks [--quick] [--resume] [--within N] [--minutes N] [--out DIRECTORY] [PART…]

PART names programs of this folder, or steps of the plan. What is measured goes to `results/`, `RESULTS.md`
and `results.svg` here, step by step, so that a run that was cut off goes on with `--resume`; what a quick
run measured is only printed, unless a directory is named for it.
"""

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from leader.jobs.tree import adopt_orphans
from tests.benchmarks import surroundings
from tests.benchmarks.plan import PROGRAMS, STEPS, Group, chosen, fitting, timetable
from tests.benchmarks.results import HERE, known, load, save
from tests.benchmarks.running import Session, minute, run_together
from tests.benchmarks.table import plain

CUT_OFF = 130


def main() -> int:
    """Run what is chosen; 1 if something failed, 3 if a goal was missed, 130 if it was cut off."""
    options = read()
    with ExitStack() as stack:
        out = options.out or HERE
        if options.quick and not options.out:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        session = Session(
            out, options.quick, options.minutes, minute(), surroundings.machine(), surroundings.versions()
        )
        groups = chosen(options.part, quick=options.quick)
        if options.resume:
            groups = [left for group in groups if (left := still_to_do(group, session))]
        if options.within:
            groups = fitting(groups, options.within, quick=options.quick)
        try:
            return carry_out(groups, session)
        except KeyboardInterrupt:
            print(f"\ncut off: --resume (RESUME=1) goes on with what {out} lacks", file=sys.stderr)
            return CUT_OFF


def read() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    parser.add_argument("--resume", action="store_true", help="only what these versions did not measure yet")
    parser.add_argument("--minutes", type=float, help="for how long each burden of `load` lasts")
    parser.add_argument("--within", type=float, help="only as much as fits into so many minutes")
    parser.add_argument("--out", type=Path, help="where results are kept")
    names = dict.fromkeys([*PROGRAMS, *(step.slug for step in STEPS)])
    parser.add_argument("part", nargs="*", choices=[*names, []], metavar="PART", help=" ".join(names))
    return parser.parse_args()


def still_to_do(group: Group, session: Session) -> Group:
    """Those that were not run to their end by the same versions on this machine."""
    return tuple(step for step in group if not is_done(step.slug, session))


def is_done(slug: str, session: Session) -> bool:
    """Whether the results of a step are those that it would have again."""
    found = known(session.out, slug)
    return found is not None and found[0].serves(
        quick=session.quick, machine=session.machine, versions=session.versions
    )


def carry_out(groups: list[Group], session: Session) -> int:
    """Run the groups, one after the other, and show all that was measured."""
    adopt_orphans()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"{session.machine}\n{session.versions}\n\n{timetable(groups, quick=session.quick)}\n", flush=True)
    runs = []
    for group in groups:
        try:
            runs += run_together(group, session)
        finally:
            save(session.out)
    print(f"\n{plain(load(session.out).rows)}")
    if not all(run.is_complete for run in runs):
        return 1
    return max((run.code for run in runs), default=0)


if __name__ == "__main__":
    sys.exit(main())
