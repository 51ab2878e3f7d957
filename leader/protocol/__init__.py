"""Watched leases on a quorum: why at most one agent leads, and in which file each rule lives.

The promise. At any instant at most one agent answers "leader" for an election, as long as the rates
of two hosts' monotonic clocks differ by less than 10 %. Nothing is assumed of any wall clock, of an
instance's clock, disk or restarts, of message delay or order, or of how long a process is paused.

The words. A *cluster* is the *nodes* that share one *quorum* of *instances* (independent Redis
servers). A node runs one *agent*; each start of it is an *incarnation*. An *election* is a named
contest; a *record* is what one instance stores about it. The *holder* (node, incarnation, term) has
the *lease* until its *deadline*; others are *candidates* or *observers*. A *grant* is one instance's
answer that its record now names this holder. The *term* is the number of a leadership: the fencing
token.

The idea. A lease record has no TTL. Whoever wants to take one over must have *seen it stand
unchanged* for a whole lease on its own clock, and takes it by comparing its version. A record that an
instance lost, got back from an old file or never had is first written anew, and watched like any
other. So a holder that counts 0.9 of a lease from the *sending* of each renewal has stopped before
anyone may take its record, whatever the instances' clocks and disks do. Two majorities share an
instance, so two leaders would need one record that was taken while it was held.

The rules and their places:

- R1 watch: `witness.Witness.takeable_at`; every (process, version) is counted from the first reply.
- R2 claim: `elector.Elector._consider_claim`, `electorate.Electorate.opens_at`, `next_term`.
- R3 deadline: `quorum.Voters.deadline`; each instance is renewed on its own in `elector.Elector._beat`.
- R4 stop first: `elector.Elector._yield`, `_strike`, `_release`; `tenure.Tenure.enter` and `filed`.
- R5 resume: `resume.resumable`, `elector.Elector._resumption`.
- R6 answer: `tenure.Tenure.leads`, computed at the moment of asking.
- R7 one server, one vote: `quorum.votes`, `electorate.Electorate.contested`.
- R8 silence is unknown: `witness.Witness.miss`; a late grant counts by its sending, or not at all.
- R9 memory of terms: `term_disk.TermDisk`; `elector.Elector._consider_claim`, `_foresee_claim` and
  `_ask_for_votes`.
- R10 one configuration: `electorate.Electorate.accepts_us`, and the script `instances/beat.lua`.
- Joint quorum of a change: `quorum.Voters`; its steps and its two leases: `calls.Configuration`.

Once-only ticks, in `ticks.py`, `claim.py` and `runs.py`. A *tick* is one call of a *job*, on every node; its
*run* starts at most once within the *gap*. Only the leader claims one, at every instance: each grants it if
its record names this very holder and it knows of no start within the gap, and writes it down. The job starts
after Q grants, if the agent still leads after the last one, and if no instance at all showed a start within
the gap, which is counted from call to call: a claim may come late, and is still of its own tick. Two leaders
after each other have a majority in common, so the later one's claim finds the earlier one's start: at an
instance that has it, if it was written before; and if it comes after, it is refused there by the holder
check. The claim is not taken back at the end of the job, so a late clock does not start it again; and who
waits is less patient than the gap is long, so a late waiter does not either.

Read `elector.py` next. This package is pure: the standard library only, and nothing in it waits, sends,
reads a clock or draws randomness.
"""
