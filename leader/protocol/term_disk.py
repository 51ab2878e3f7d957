"""Which terms are on disk, and which are yet to be written (rule R9)?

Knows what was asked of the state directory and what it answered; writes nothing itself.
"""

from leader.protocol.events import Instant


class TermDisk:
    """The highest term that the state directory holds, and whether it takes any more."""

    def __init__(self, highest_term: int) -> None:
        self.fails = False
        """The last term could not be saved."""
        self.highest_term = highest_term
        self._asked_term = highest_term
        self._rests_until: Instant = 0

    def lacks(self, term: int, now: Instant) -> bool:
        """Whether this term is to be written now: it is higher than all that were, or are being."""
        return term > self._asked_term and now >= self._rests_until

    def holds(self, term: int) -> bool:
        """Whether this term, or a higher one, is on disk."""
        return term <= self.highest_term

    def was_asked(self, term: int) -> bool:
        """Whether this term, or a higher one, is being written or was."""
        return term <= self._asked_term

    def asked(self, term: int) -> None:
        """Note that this term is being written."""
        self._asked_term = max(self._asked_term, term)

    def saved(self, term: int) -> None:
        """Note that this term is on disk."""
        self.fails = False
        self.highest_term = max(self.highest_term, term)

    def failed(self, try_again_at: Instant) -> None:
        """Note that a term could not be written: all that is not on disk is to be written again, then."""
        self.fails = True
        self._asked_term, self._rests_until = self.highest_term, try_again_at
