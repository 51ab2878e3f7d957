"""The instances: all that knows Redis, and the only folder that imports it.

    beat.lua         all that touches a record: one script, one round trip, every election
    jobs.lua         all that touches the runs of jobs; common.lua is what both scripts begin with
    wire.py          calls as arguments of the first, its reply as values; jobs_wire.py for the other; pure
    shapes.py        what a value that an instance says must be, or it gives no vote
    bounded.py       hiredis' reader, within bounds
    problems.py      every way in which an instance gives no vote, as one sentence with the remedy
    answers.py       which sentence belongs to which error text of which server
    endpoint.py      an instance's URL and how to prove who we are
    resolver.py      names to addresses, aside, so that a hung resolver delays nobody else
    link.py          one connection
    instance.py      one instance: carry out calls, within a deadline
    notices.py       records as they are published
    subscription.py  a connection that listens
    embedded.py      a quorum of real servers on this machine
    dev.py           the one that all `--dev` agents share, and supervisor.py, the process that owns it

What counts as a vote, and for how long, is decided in `leader/protocol`, never here.
"""
