"""Does a run prove enough? One in which nothing happened breaks no promise either.

Independent of what is under test, as the checker is.
"""

from collections.abc import Collection, Iterator
from itertools import pairwise

from tests.chaos.checker import counts, promised
from tests.chaos.history import CHANGED, History

LONG_MINUTES = 8.0
"""From this length on a run must have had everything: it draws each kind of fault some three times."""


def lacks(history: History, kinds: Collection[str]) -> Iterator[str]:
    """What did not happen, though it should have, in a sentence each; `kinds` of faults are possible here."""
    if never := sorted(set(kinds) - counts(history).keys()):
        yield f"never ran: {', '.join(never)}"
    if CHANGED in kinds and not history.changes:
        yield "no change of the quorum came to its end"
    if not promised(history):
        yield "no tick was promised to start exactly once"
    if not changes_of_leader(history):
        yield "the leadership never passed from one node to another"


def changes_of_leader(history: History) -> int:
    """How often another node led next."""
    leaders = {answer.term: answer.asked for answer in history.answers if answer.is_yes}
    return sum(leaders[term] != leaders[after] for term, after in pairwise(sorted(leaders)))
