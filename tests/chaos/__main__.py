"""`make chaos MINUTES=n SEED=s`: chaos on real agents and servers, and a verdict.

Exit code 1 if a promise was broken, 3 if a run of some length proves too little all the same. It needs root,
for namespaces of networks, mounts and boot clocks; it first goes into a namespace of mounts of its own, so
that its small disks end with it.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.disk import go_inside
from tests.chaos.history import CHANGED
from tests.chaos.kinds import KINDS
from tests.chaos.nemesis import possible_kinds
from tests.chaos.proof import LONG_MINUTES, lacks
from tests.chaos.run import Plan, for_minutes, report, run
from tests.chaos.trial import LEADER, Trial

TOO_LITTLE = 3
VERDICTS = {
    (True, True): "no promise was broken",
    (True, False): "no promise was broken, but this run proves TOO LITTLE",
    (False, True): "NOT GOOD",
    (False, False): "NOT GOOD",
}


def main() -> int:
    """Run what the words say."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", default="1")
    parser.add_argument(
        "--bent", metavar="MUTANT", help="bend that line of the protocol, and end once that is found"
    )
    parser.add_argument("--only", metavar="KIND", action="append", choices=sorted(KINDS), default=[])
    parser.add_argument("--changes", action="store_true", help="change the quorum meanwhile, again and again")
    parser.add_argument("--keep", action="store_true", help="keep the files of a good run, too")
    options = parser.parse_args()
    go_inside()
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    trial = Trial.bent(options.bent) if options.bent else LEADER
    plan = Plan(options.seed, for_minutes(options.minutes), options.only, options.changes)
    outcome = run(plan, directory, trial)
    print(f"seed {options.seed}, {options.minutes:g} minutes")  # noqa: T201 - a report is what this is for
    print(report(outcome))  # noqa: T201 - likewise
    wanted = possible_kinds().intersection(options.only or KINDS) | ({CHANGED} if options.changes else set())
    lacking = list(lacks(outcome.history, wanted))
    print("".join(f"lacks: {sentence}\n" for sentence in lacking), end="")  # noqa: T201 - likewise
    is_good = not (outcome.violations or outcome.troubles)
    is_proof = options.minutes < LONG_MINUTES or not lacking
    if is_good and is_proof and not options.keep:
        shutil.rmtree(directory)
    else:
        print(f"kept in {directory}: timeline, picture.svg, prober, listener, each node's log")  # noqa: T201
    print(VERDICTS[is_good, is_proof])  # noqa: T201
    return 1 if not is_good else 0 if is_proof else TOO_LITTLE


if __name__ == "__main__":
    sys.exit(main())
