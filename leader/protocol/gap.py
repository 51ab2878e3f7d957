"""How far apart are two ticks of a job, and how long may a call of `once` wait?

Commands in a hurry read this file, so it imports nothing.
"""

DEFAULT_GAP_MS = 45_000
LONGEST_GAP_MS = 7 * 24 * 3600 * 1000
LATE_MS = 10_000
"""How much later than the others a node's clock may call: a wait that is longer could outlast the gap."""


def longest_wait_ms(gap_ms: int) -> int:
    """How long a call may wait, so that it cannot outlast the gap and start its tick again."""
    return max(0, gap_ms - LATE_MS)


def default_wait_ms(gap_ms: int, lease_ms: int) -> int:
    """How long a call waits by default: two leases, at most 15 s less than the gap, at least 0."""
    return max(0, min(2 * lease_ms, gap_ms - LATE_MS * 3 // 2))
