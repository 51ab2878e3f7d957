"""The protocol with one line bent, again and again: what the simulation must notice.

Each mutant removes or bends one rule, or belongs to one of the traces at the end of the protocol's
description, and names the story in `tests/scenarios` that breaks a promise with it.
"""

from dataclasses import dataclass

ELECTOR = "leader/protocol/elector.py"
ELECTORATE = "leader/protocol/electorate.py"
CALLS = "leader/protocol/calls.py"
AGENT = "tests/simulation/agent.py"
INSTANCE = "tests/simulation/instance.py"
PREFERENCE = "leader/protocol/preference.py"
QUORUM = "leader/protocol/quorum.py"
RESUME = "leader/protocol/resume.py"
TENURE = "leader/protocol/tenure.py"
WITNESS = "leader/protocol/witness.py"

CHANGES = "tests.simulation.changes_seeds"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bent line: where, what, which rule it breaks, and the story that shows it."""

    name: str
    rule: str
    story: str
    file: str
    old: str
    new: str
    by_seeds: bool = True
    """Whether some thousand random seeds reach it; else another line stands in the way, or it is too rare."""
    seeds: str = "tests.simulation.seeds"
    """The module whose seeds are to reach it."""


MUTANTS = (
    Mutant(
        "no run_id",
        "R1",
        "restart-with-older-data",
        INSTANCE,
        'return f"{self.name}{self._starts}:{self._histories}"',
        "return self.name",
    ),
    Mutant(
        "only run_id, no master_replid",
        "R1, trace 9",
        "roll-back-in-a-running-server",
        INSTANCE,
        'return f"{self.name}{self._starts}:{self._histories}"',
        'return f"{self.name}{self._starts}"',
    ),
    Mutant(
        "no version in the comparison",
        "R1",
        "renewed-unseen",
        INSTANCE,
        "if record.version != take.expected:",
        "if False:",
    ),
    Mutant(
        "takes without watching",
        "R1",
        "slow-disk",
        WITNESS,
        "return moment is not None and moment <= now",
        "return moment is not None",
    ),
    Mutant(
        "no watch",
        "R1",
        "watch",
        WITNESS,
        "return self.standing_since + max(self.longest_lease_ms, lease_ms) * NS_PER_MS",
        "return self.standing_since",
    ),
    Mutant(
        "watch too short",
        "R1",
        "watch",
        WITNESS,
        "return self.standing_since + max(self.longest_lease_ms, lease_ms) * NS_PER_MS",
        "return self.standing_since + max(self.longest_lease_ms, lease_ms) * NS_PER_MS * 9 // 10",
    ),
    Mutant(
        "only its own lease is watched",
        "R1",
        "record-with-a-longer-lease",
        WITNESS,
        "max(self.longest_lease_ms, lease_ms)",
        "lease_ms",
        by_seeds=False,
    ),
    Mutant(
        "a longer lease is forgotten with its record",
        "R1",
        "shorter-lease-after-forgetting",
        WITNESS,
        "        self.longest_lease_ms = max(self.longest_lease_ms, record.lease_ms)",
        "        self.longest_lease_ms = record.lease_ms",
        by_seeds=False,
    ),
    Mutant(
        "watch goes on over a new version",
        "R1",
        "watch",
        WITNESS,
        "if known is None or (known.process, known.version) != (record.process, record.version):",
        "if known is None or known.process != record.process:",
    ),
    Mutant(
        "fresh is taken as released",
        "R1",
        "flush",
        WITNESS,
        "if self.record.state is State.RELEASED:",
        "if self.record.state is not State.HELD:",
    ),
    Mutant(
        "release in a later process",
        "R1, trace 1",
        "release-in-a-later-process",
        INSTANCE,
        "        if record.process != self.process:",
        "        if isinstance(call.operation, Release):\n"
        "            record = replace(record, process=self.process)\n"
        "        if record.process != self.process:",
    ),
    Mutant(
        "half is a majority",
        "R2",
        "half-a-quorum",
        QUORUM,
        "return instances // 2 + 1",
        "return max(1, instances // 2)",
    ),
    Mutant(
        "a term below the stored one is granted",
        "R2",
        "lower-term",
        INSTANCE,
        "if not take.sitting and take.holder.term <= record.term:",
        "if False:",
        by_seeds=False,
    ),
    Mutant(
        "upper median",
        "R2, trace 11",
        "repeated-term",
        QUORUM,
        "(len(values) - 1) // 2",
        "len(values) // 2",
    ),
    Mutant(
        "terms are not near the clocks",
        "R2, trace 11",
        "repeated-term",
        ELECTORATE,
        "return max(self.known_term + 1, self.median_ms())",
        "return self.known_term + 1",
    ),
    Mutant(
        "every term is believed",
        "R2",
        "liar",
        ELECTORATE,
        "witness.believed = term <= self.known_term or term <= self._highest_plausible_term()",
        "witness.believed = True",
    ),
    Mutant(
        "the lease counts from the reply",
        "R3",
        "slow-replies",
        ELECTOR,
        "tenure.grant(witness.name, reply.process, pending.sent_at)",
        "tenure.grant(witness.name, reply.process, now)",
    ),
    Mutant(
        "no margin for drift",
        "R3",
        "watch",
        QUORUM,
        "return lease_ms * NS_PER_MS * 9 // 10",
        "return lease_ms * NS_PER_MS",
    ),
    Mutant(
        "the newest vote makes the deadline",
        "R3",
        "half-a-renewal",
        QUORUM,
        "return sent[needed - 1] + sure_ns(lease_ms)",
        "return sent[0] + sure_ns(lease_ms)",
    ),
    Mutant(
        "hands over without stopping",
        "R4",
        "hand-over",
        ELECTOR,
        "        tenure.yield_until = tenure.deadline or now\n        tenure.enter(Stage.YIELDING, now)",
        "        tenure.yield_until = tenure.deadline or now",
    ),
    Mutant(
        "releases while jobs run",
        "R4",
        "hand-over",
        ELECTOR,
        "        self._effects.append(EndJobs(tenure.holder.term))",
        "        self._effects.append(EndJobs(tenure.holder.term))\n        self._strike(tenure, now)",
    ),
    Mutant(
        "releases before the file is struck",
        "R4, trace 2",
        "release-before-strike",
        ELECTOR,
        "        tenure.enter(Stage.STRIKING, now)\n",
        "        tenure.enter(Stage.STRIKING, now)\n"
        "        for name in sorted(tenure.asked):\n"
        "            self._send(self.electorate.witnesses[name], Release(tenure.holder), now)\n",
    ),
    Mutant(
        "releases what the file still names",
        "R4",
        "strike-fails",
        ELECTOR,
        "        self._withheld.add(tenure.holder)",
        "        for name in sorted(tenure.asked):\n"
        "            self._send(self.electorate.witnesses[name], Release(tenure.holder), now)",
    ),
    Mutant(
        "a late grant revives a leadership",
        "R4, trace 3",
        "late-grant",
        ELECTOR,
        "if tenure is None or tenure.stage is not Stage.LEADING or tenure.leads(now):",
        "if True:",
    ),
    Mutant(
        "release ignores the term",
        "R4, trace 5",
        "late-release",
        INSTANCE,
        "return Verdict.GRANTED if record.names(operation.holder) else Verdict.NOT_HOLDER",
        "held = record.state is State.HELD and record.holder is not None\n"
        "                if isinstance(operation, Release) and held and record.holder.incarnation == "
        "operation.holder.incarnation:\n"
        "                    return Verdict.GRANTED\n"
        "                return Verdict.GRANTED if record.names(operation.holder) else "
        "Verdict.NOT_HOLDER",
    ),
    Mutant(
        "renew ignores the term",
        "R4",
        "late-renewal",
        INSTANCE,
        "return Verdict.GRANTED if record.names(operation.holder) else Verdict.NOT_HOLDER",
        "held = record.state is State.HELD and record.holder is not None\n"
        "                if isinstance(operation, Renew) and held and record.holder.incarnation == "
        "operation.holder.incarnation:\n"
        "                    return Verdict.GRANTED\n"
        "                return Verdict.GRANTED if record.names(operation.holder) else "
        "Verdict.NOT_HOLDER",
    ),
    Mutant(
        "any grant counts",
        "R4",
        "late-grant-of-an-earlier-claim",
        TENURE,
        "                return operation.holder == self.holder",
        "                return True",
    ),
    Mutant(
        "resume without the holder check",
        "R5",
        "resume",
        INSTANCE,
        "return Verdict.GRANTED if record.names(operation.holder) else Verdict.NOT_HOLDER",
        "if isinstance(operation, Resume):\n"
        "                    return Verdict.GRANTED\n"
        "                return Verdict.GRANTED if record.names(operation.holder) else "
        "Verdict.NOT_HOLDER",
    ),
    Mutant(
        "resumes into another list",
        "R5, trace 6",
        "resume-into-another-list",
        RESUME,
        'if saved["place"] != asdict(here):',
        'if {**saved["place"], "configuration": None} != {**asdict(here), "configuration": None}:',
    ),
    Mutant(
        "resumes from a copied directory",
        "R5, trace 8",
        "copied-runtime-directory",
        RESUME,
        'if saved["place"] != asdict(here):',
        'if {**saved["place"], "directory": None} != {**asdict(here), "directory": None}:',
    ),
    Mutant(
        "stored instead of computed leadership",
        "R6",
        "frozen-leader",
        TENURE,
        "return self.stage is Stage.LEADING and moment is not None and now < moment",
        "return self.stage is Stage.LEADING",
    ),
    Mutant(
        "one server votes under two names",
        "R7, trace 7",
        "one-server-two-names",
        QUORUM,
        "    for grant in grants.values():\n"
        "        newest[grant.process] = max(grant.sent_at, newest.get(grant.process, grant.sent_at))",
        "    for name, grant in grants.items():\n        newest[name] = grant.sent_at",
    ),
    Mutant(
        "an unknown vote is a granted one",
        "R8",
        "silence",
        ELECTOR,
        "            self.tenure.unknown.add(event.instance)",
        "            self.tenure.grant(event.instance, witness.process, pending.sent_at)",
    ),
    Mutant(
        "an unknown vote is a refused one",
        "R8",
        "lost-beat",
        ELECTOR,
        "        if pending is None or self.tenure is None:\n            return\n",
        "        if pending is None or self.tenure is None:\n"
        "            return\n"
        "        self.tenure.grants.pop(event.instance, None)\n"
        "        self.tenure.count()\n",
    ),
    Mutant(
        "a term is claimed twice",
        "R9, trace 4",
        "term-claimed-twice",
        ELECTOR,
        "        self.electorate.known_term = term\n",
        "",
    ),
    Mutant(
        "claims before its term is saved",
        "R9",
        "terms-on-disk",
        ELECTOR,
        "        elif not self._disk.was_asked(term):\n            self._save_term(term, claims=True)",
        "        else:\n            self._disk.asked(term)\n            self._on_term_saved(term, now)",
    ),
    Mutant(
        "claims while the term that it foresaw is being saved",
        "R9",
        "term-foreseen",
        ELECTOR,
        "        if self._disk.holds(term):",
        "        if self._disk.was_asked(term):",
        by_seeds=False,
    ),
    Mutant(
        "claims with a term that it saw while it was saved",
        "R2, R9",
        "seen-while-saved",
        ELECTOR,
        "        is_outdated = term <= self.electorate.known_term",
        "        is_outdated = False",
        by_seeds=False,
    ),
    Mutant(
        "forgets its terms at a restart",
        "R9",
        "terms-on-disk",
        AGENT,
        "highest_term=self.disk.terms.get(election, 0)",
        "highest_term=0",
    ),
    Mutant(
        "a refused agent claims",
        "R10",
        "another-list",
        ELECTORATE,
        "if not self._keeping(Kept.OLDER, Kept.OTHER) or self.voters.spare(self._keeping(Kept.OURS)) >= 0:",
        "if True:",
    ),
    Mutant(
        "another fingerprint is accepted",
        "R10",
        "another-list",
        CALLS,
        "    fingerprint: str\n",
        '    fingerprint: str = __import__("dataclasses").field(compare=False)\n',
    ),
    Mutant(
        "an instance refuses no configuration",
        "R10",
        "another-list-unseen",
        INSTANCE,
        "return kept is not None and kept != configuration and not kept.is_beside(configuration)",
        "return False",
        by_seeds=False,
    ),
    Mutant(
        "a majority of the list before is enough",
        "joint quorum, trace 10",
        "change-guard-forgotten",
        QUORUM,
        "        for names in self.lists:\n",
        "        for names in self.lists[-1:]:\n",
        seeds=CHANGES,
    ),
    Mutant(
        "a majority of the new list is enough",
        "joint quorum",
        "change-new-list-alone",
        QUORUM,
        "        for names in self.lists:\n",
        "        for names in self.lists[:1]:\n",
        seeds=CHANGES,
    ),
    Mutant(
        "a holder relies on the longer lease",
        "joint quorum",
        "change-longer-lease-held",
        CALLS,
        "return min(self.lease_ms, self.previous_lease_ms or self.lease_ms)",
        "return max(self.lease_ms, self.previous_lease_ms)",
        seeds=CHANGES,
    ),
    Mutant(
        "a candidate watches for the shorter lease",
        "joint quorum",
        "change-shorter-lease-watched",
        CALLS,
        "return max(self.lease_ms, self.previous_lease_ms)",
        "return self.held_lease_ms",
        seeds=CHANGES,
    ),
    Mutant(
        "two steps are accepted",
        "R10",
        "change-two-steps-behind",
        CALLS,
        "return self.follows(other) or other.follows(self)",
        "return abs(self.generation - other.generation) <= 2",
        seeds=CHANGES,
    ),
    Mutant(
        "whoever keeps an older list has stayed behind",
        "R10",
        "change-two-steps-ahead",
        ELECTORATE,
        "and not self._sees_older_node(now)",
        "",
        by_seeds=False,
    ),
    Mutant(
        "nobody has ever stayed behind",
        "promise 3",
        "change-stayed-behind",
        ELECTORATE,
        "came_further = self.voters.may_agree(self._keeping(Kept.OURS, Kept.BESIDE))",
        "came_further = False",
        seeds=CHANGES,
    ),
    Mutant(
        "what has stayed behind is not updated",
        "promise 3",
        "change-stayed-behind",
        INSTANCE,
        "return (take.updates and is_old) or (take.sitting and record.state is State.FRESH)",
        "return take.sitting and record.state is State.FRESH",
        seeds=CHANGES,
    ),
    Mutant(
        "an older notice is accepted",
        "notices",
        "late-notice",
        WITNESS,
        "            or record.version.sequence <= known.version.sequence\n        ):",
        "        ):",
    ),
    Mutant(
        "a leader never takes back an instance",
        "promise 3",
        "forgetful-instances",
        TENURE,
        "if self.stage is Stage.LEADING and witness.is_takeable(self.configuration.watched_lease_ms, now):",
        "if False:",
    ),
    Mutant(
        "makes room for who has just come",
        "preference",
        "preempt",
        PREFERENCE,
        "return now - self._streaks[node].since >= self.pause_ns",
        "return True",
        seeds="tests.simulation.operators_seeds",
    ),
    Mutant(
        "makes room as soon as it leads",
        "preference",
        "preempt",
        PREFERENCE,
        "if not self._streaks or now - led_since < self.pause_ns:",
        "if not self._streaks:",
        seeds="tests.simulation.operators_seeds",
    ),
    Mutant(
        "makes room for its equal",
        "preference",
        "preempt",
        PREFERENCE,
        "c.priority > self._priority",
        "c.priority >= self._priority",
        seeds="tests.simulation.operators_seeds",
    ),
    Mutant(
        "a restart does not begin the wait anew",
        "preference",
        "preempt-restarted",
        PREFERENCE,
        "            and known.incarnation == candidate.incarnation\n",
        "",
        seeds="tests.simulation.operators_seeds",
    ),
    Mutant(
        "the pause does not double",
        "preference",
        "preempt-in-vain",
        PREFERENCE,
        "            self._failures += 1\n",
        "",
        seeds="tests.simulation.operators_seeds",
    ),
    Mutant(
        "who was asked to go does not rest",
        "successor",
        "successor-dies",
        ELECTOR,
        "                self._rests_until = now + self.lease_ns",
        "                pass",
        by_seeds=False,
    ),
    Mutant(
        "a named successor rests",
        "successor",
        "successor-rests",
        ELECTOR,
        "rests_until = opens if identity.node in self.electorate.successors() else self._rests_until",
        "rests_until = self._rests_until",
        by_seeds=False,
    ),
)
