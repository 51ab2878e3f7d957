"""Once-only ticks with one line bent: what the checkers of ticks must notice, by a story and by seeds."""

from functools import partial

from tests.simulation.mutants import Mutant

TICKS = "leader/protocol/ticks.py"
CLAIM = "leader/protocol/claim.py"
LEDGER = "tests/simulation/jobs_instance.py"
AGENT = "tests/simulation/jobs_agent.py"
ONCE = "tests/simulation/jobs_once.py"

TickMutant = partial(Mutant, seeds="tests.simulation.jobs_seeds")

JOB_MUTANTS = (
    TickMutant(
        "a tick is granted to anybody",
        "holder check",
        "tick-claim-of-a-deposed-leader",
        LEDGER,
        "if record is None or record.process != process or not record.names(claim.holder):",
        "if False:",
    ),
    TickMutant(
        "a start that one instance shows is no refusal",
        "trace 12",
        "tick-data-loss-one-remembers",
        CLAIM,
        "        if self.start is not None:\n",
        "        if self.start is not None and not self.voters.agree(self._standing | self._granted):\n",
        by_seeds=False,  # a majority must forget, and the one that does not be unheard until the very claim
    ),
    TickMutant(
        "a tick needs the new list alone",
        "joint quorum",
        "tick-over-a-change",
        CLAIM,
        "if self.voters.agree(standing | self._granted) and (leads or self.voters.agree(standing)):",
        "new = Voters(self.voters.lists[:1])\n"
        "        if new.agree(standing | self._granted) and (leads or new.agree(standing)):",
        by_seeds=False,  # the first list must fall silent between its vote for the leader and the claim
    ),
    TickMutant(
        "a quarter of the gap",
        "gap",
        "tick-data-loss-one-remembers",
        ONCE,
        "            schedule.gap_ms,\n",
        "            schedule.gap_ms // 4,\n",
    ),
    TickMutant(
        "a claim ends with its job",
        "the claim outlives the job",
        "tick-claim-outlives-job",
        LEDGER,
        "(*(kept for kept in runs if kept is not old), new)",
        "(*(kept for kept in runs if kept is not old), *(() if new.run.state.rank > 2 else (new,)))",
    ),
    TickMutant(
        "half of the patience",
        "wait",
        "tick-patience",
        TICKS,
        "self.ends_at = now + wish.wait_ms * NS_PER_MS",
        "self.ends_at = now + wish.wait_ms * NS_PER_MS // 4",
    ),
    TickMutant(
        "no try without patience",
        "wait",
        "tick-no-patience",
        TICKS,
        "is_asking = untried or bool(self._asked.keys() & around.answering)",
        "is_asking = bool(self._asked.keys() & around.answering)",
    ),
    TickMutant(
        "a claim that stands is held to be another's",
        "nonce",
        "tick-answer-lost",
        LEDGER,
        "if any(kept.run.nonce == new.run.nonce and kept.run.state.is_start for kept in runs):",
        "if False:",
    ),
    TickMutant(
        "what was missed counts as claimed",
        "nonce",
        "tick-missed-and-asked-again",
        CLAIM,
        "            run.nonce == self.nonce and run.state.is_start for run in answer.runs\n",
        "            run.nonce == self.nonce for run in answer.runs\n",
        by_seeds=False,  # a job that runs on tells that it does: some thousand seeds
    ),
    TickMutant(
        "a claim that stands is never tried enough",
        "wait",
        "tick-asked-again-without-overlap",
        TICKS,
        "untried = any(self._claim.lacks(instance) for instance in around.answering - self._tried)",
        "untried = not self._tried >= around.answering",
    ),
    TickMutant(
        "its own claim stands in the way",
        "nonce",
        "tick-answer-lost",
        CLAIM,
        "if run.nonce not in (self.nonce, self.instead_of)",
        "if run.nonce != (self.instead_of or None)",
    ),
    TickMutant(
        "what counts is when a tick was claimed",
        "gap",
        "tick-late-leader",
        TICKS,
        "run = self.wish.run(RunState.RUNNING, self.term, self._age_ms(now))",
        "run = self.wish.run(RunState.RUNNING, self.term)",
    ),
    TickMutant(
        "what counts is when a claim was carried out",
        "gap",
        "tick-hung-instance",
        AGENT,
        "ticks=(call,), as_of_ms=as_of_ms)",
        "ticks=(call,), as_of_ms=0)",
    ),
    TickMutant(
        "a notice decides",
        "notices",
        "tick-late-notice",
        TICKS,
        "            self._due = {instance: min(due, now) for instance, due in self._due.items()}",
        "            self._claim.start = run",
    ),
)
