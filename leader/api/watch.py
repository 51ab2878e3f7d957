"""Watches one leadership from a thread, while the program works under it; standard library alone."""

import select
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from leader.api.answers import Sure, is_no, nobody
from leader.api.vigil import FAILED, MILLISECOND_NS, SECOND_NS, Known, Vigil
from leader.clock import now_ns
from leader.errors import AgentUnreachable, LeadershipLost, UnknownElection
from leader.guard import Guard

Ask = Callable[[str, int], Sure]
"""Asks the main question about an election, until an instant."""

OnLoss = Callable[[str], object]
"""Called with the reason, in words."""


class Leading(Known):
    """The leadership that a block of `run_while_leader` works under."""

    def __init__(self, vigil: Vigil) -> None:
        super().__init__(vigil)
        self.lost = threading.Event()
        """Set when the work must end: in time before the deadline, or because the agent hands over."""


class Watch:
    """A block that works under a leadership, and the thread that watches it meanwhile."""

    def __init__(self, ask: Ask, path: str, guard: Guard, vigil: Vigil, on_loss: OnLoss | None) -> None:
        self.leading = Leading(vigil)
        self._ask = ask
        self._path = path
        self._guard: Guard | None = guard
        self._vigil = vigil
        self._on_loss = on_loss
        self._left = threading.Event()
        self._lock = threading.Lock()
        """Held by who takes, leaves or closes the guard, or says which came first: the loss, or the end."""
        self._watches = True

    def __enter__(self) -> Self:
        name = f"leader-{self._vigil.election}"
        threading.Thread(target=self._watch, name=name, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_late = now_ns() >= self._vigil.until_ns
        lost = self._leave()
        if kind is None and (lost or (is_late and not self._goes_on())):
            raise lost_error(self._vigil)

    def _leave(self) -> bool:
        """Let a hand-over go on; whether the leadership was lost before."""
        with self._lock:
            self._left.set()
            if self._guard is not None:
                self._guard.leave()
            if not self._watches:
                self._let_go()
            return self.leading.lost.is_set()

    def _goes_on(self) -> bool:
        """Whether the agent says that the leadership was never interrupted, however long we stood still."""
        try:
            return self._vigil.confirms(self._ask(self._vigil.election, now_ns() + SECOND_NS))
        except (AgentUnreachable, UnknownElection):
            return False

    # In the thread.

    def _watch(self) -> None:
        try:
            while not (self._left.is_set() or self._vigil.lost):
                self._step()
        finally:
            is_lost = self._end()
        if is_lost and self._on_loss is not None:
            self._on_loss(self._vigil.lost)

    def _end(self) -> bool:
        """Watch no more; whether that is because the leadership was lost."""
        with self._lock:
            self._watches = False
            if self._left.is_set():
                self._let_go()
                return False
            self._vigil.lose(FAILED)
            self.leading.lost.set()
            return True

    def _step(self) -> None:
        self._wait(max(0, self._vigil.wakes_at_ns - now_ns()))
        now = now_ns()
        if self._left.is_set() or self._vigil.lost or now < self._vigil.wakes_at_ns:
            return
        deadline_ns = self._vigil.question_ns(now)
        if self._guard is None:
            self._join((now + deadline_ns) // 2)
        answer = self._answer(deadline_ns)
        if is_no(answer) and self._guard is None:
            self._join(deadline_ns)
        self._vigil.hear(answer, now_ns(), guarded=self._guard is not None)

    def _answer(self, deadline_ns: int) -> Sure | None:
        try:
            return self._ask(self._vigil.election, deadline_ns)
        except UnknownElection:
            return nobody(self._vigil.election)
        except AgentUnreachable:
            return None

    def _wait(self, pause_ns: int) -> None:
        if self._guard is None:
            self._left.wait(pause_ns / SECOND_NS)
            return
        poll = select.poll()
        poll.register(self._guard.fileno(), select.POLLIN)
        if poll.poll(-(-pause_ns // MILLISECOND_NS)):
            self._hear(self._guard)

    def _hear(self, guard: Guard) -> None:
        try:
            if guard.must_end():
                self._vigil.hear_end()
        except AgentUnreachable:
            with self._lock:
                self._let_go()
            self._vigil.unguarded(now_ns(), at_once=True)

    def _join(self, deadline_ns: int) -> None:
        """Let the agent know of the work again, after it was restarted; before its no counts."""
        try:
            guard = Guard(self._path, self._vigil.election, deadline_ns)
        except AgentUnreachable:
            self._vigil.unguarded(now_ns(), at_once=False)
            return
        with self._lock:
            self._guard = guard
            if self._left.is_set():
                self._let_go()
                return
        self._hear(guard)

    def _let_go(self) -> None:
        if self._guard is not None:
            self._guard.close()
            self._guard = None


def lost_error(vigil: Vigil) -> LeadershipLost:
    """The error that ends a block."""
    why = vigil.lost or "the deadline passed before the work had ended"
    return LeadershipLost(
        f"the leadership of {vigil.election} with term {vigil.term} was lost: {why}; "
        "what was begun under it is for the next leader to do"
    )
