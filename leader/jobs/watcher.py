"""The process between `leader run`, or `once`, and its command, which ends the command's whole tree in time.

It asks again and again how long the command may run, hears when a hand-over is planned, and notices when the
front process is gone. Every descendant that loses its parent becomes its child, so nothing escapes but what
another user owns. If it is killed itself, the command dies with it, and the front process ends the rest.
"""

import os
import select
import signal

from leader.clock import now_ns
from leader.errors import AgentUnreachable
from leader.jobs import tree
from leader.jobs.command import Command, spawn
from leader.jobs.limit import Answer, Limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from leader.guard import Guard

NS_PER_MS = 1_000_000


class Watcher:
    """Watches one command under one leadership; `run` never returns."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._next_poll_ns = now_ns() + limit.poll_ns
        self._kill_at_ns: int | None = None
        self._lost = ""
        self._status: int | None = None
        self._pid = 0
        self._gives_up = False
        self._report = -1
        self._wakes: tuple[int, int] = (-1, -1)

    def run(
        self, command: Command, ignored: frozenset[signal.Signals], *, control: int, report: int
    ) -> "NoReturn":
        """Run the command to its end; `control` ends with the front process, `report` tells it all."""
        self._report = report
        os.set_blocking(report, False)
        os.setpgid(0, 0)
        tree.adopt_orphans()
        self._listen_to_children()
        self._pid = spawn(command, ignored)
        self._close_streams()
        self._tell(f"started {self._pid}")
        self._tell(f"sure {self._limit.sure_until_ns}")
        while not self._is_over():
            self._wait(control)
            self._act()
        os.set_blocking(report, True)
        self._tell(f"ended {self._status if self._status is not None else signal.SIGKILL} {self._lost}")
        os._exit(0)

    def _listen_to_children(self) -> None:
        reading, writing = os.pipe()
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)
        self._wakes = reading, writing
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)

    @staticmethod
    def _close_streams() -> None:
        """Let go of what is the command's own, so that whoever reads its output sees the end of it."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)

    def _tell(self, text: str) -> None:
        """Tell the front process; while it stands still, what does not fit into the pipe is left out."""
        try:
            os.write(self._report, f"{text}\n".encode())
        except OSError:
            return  # it is gone, which the other pipe says as well, or reads nothing

    # Waiting for what happens.

    def _wait(self, control: int) -> None:
        moment = self._next_poll_ns if self._kill_at_ns is None else self._kill_at_ns
        if self._kill_at_ns is None:
            moment = min(moment, self._limit.sure_until_ns - self._limit.grace_ns)
        poll = select.poll()
        guard = self._limit.guard
        for descriptor in (control, self._wakes[0], *((guard.fileno(),) if guard else ())):
            poll.register(descriptor, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(max(0, -(-(moment - now_ns()) // NS_PER_MS)))}
        if control in ready:
            self._end_now("the process that started it was killed")
        if self._wakes[0] in ready:
            os.read(self._wakes[0], 4096)
        if guard is not None and guard.fileno() in ready:
            self._hear(guard)
        self._reap()

    def _hear(self, guard: "Guard") -> None:
        try:
            if guard.must_end():
                self._end("this node hands its leadership over")
        except AgentUnreachable:
            guard.close()
            self._limit.guard = None
            self._next_poll_ns = now_ns()

    def _reap(self) -> None:
        for pid, status in tree.reap().items():
            if pid != self._pid:
                continue
            if os.WIFSTOPPED(status):
                self._tell("stopped")
            elif not os.WIFCONTINUED(status):
                self._status = status

    # Acting on it.

    def _act(self) -> None:
        now = now_ns()
        if self._kill_at_ns is not None:
            if now >= self._kill_at_ns:
                self._end_now(self._lost)
            return
        if self._status is not None:
            self._end("")
        elif now >= self._limit.sure_until_ns - self._limit.grace_ns and not self._still_leads(now):
            self._end(self._limit.over)
        elif now >= self._next_poll_ns:
            self._poll(now)

    def _still_leads(self, now: int) -> bool:
        """A last question, before the command is stopped."""
        self._poll(now)
        return self._kill_at_ns is not None or now_ns() < self._limit.sure_until_ns - self._limit.grace_ns

    def _poll(self, now: int) -> None:
        """Ask how long the lease is sure now.

        While the agent knows of the command, a no is no reason to stop: an agent that was restarted says so
        until it has resumed, and one that hands over waits for us. One that has just come back is told of the
        command before its no counts.
        """
        limit = self._limit
        patience_ns = min(limit.poll_ns, max(NS_PER_MS, limit.sure_until_ns - limit.margin_ns - now))
        self._next_poll_ns = now + limit.poll_ns
        is_guarded = limit.guard is not None or self._rejoin(now + patience_ns // 2)
        answer = limit.ask(now + patience_ns)
        if answer is Answer.LEADS_NOT and not is_guarded:
            is_guarded = self._rejoin(now + patience_ns)
        if answer is Answer.OVER or (answer is Answer.LEADS_NOT and not is_guarded):
            self._end("this node leads no more")
        elif answer is Answer.LEADS:
            self._tell(f"sure {limit.sure_until_ns}")

    def _rejoin(self, deadline_ns: int) -> bool:
        """Let the agent know of the command again, after it was restarted; whether it does."""
        guard = self._limit.rejoin(deadline_ns)
        if guard is None:
            self._next_poll_ns = now_ns() + self._limit.poll_ns // 10
            return False
        self._hear(guard)
        return True

    def _end(self, why: str) -> None:
        """Ask all that is left to end, and give it until the grace, or the deadline, is over."""
        if self._kill_at_ns is not None:
            return
        self._lost = why
        limit = self._limit
        self._kill_at_ns = min(now_ns() + limit.grace_ns, limit.sure_until_ns - limit.margin_ns)
        if not why and limit.keeps_leftovers:
            self._gives_up = True
        elif tree.has_children():
            tree.send(signal.SIGTERM, self._pid)
            tree.send(signal.SIGCONT, self._pid)

    def _end_now(self, why: str) -> None:
        self._lost = why
        self._kill_at_ns = self._kill_at_ns or now_ns()
        if not tree.kill_all(self._pid):
            self._gives_up = True
            self._lost = f"{why}; something that it started belongs to another user and still runs".lstrip(
                "; "
            )
        if self._status is None:
            self._status = int(signal.SIGKILL)

    def _is_over(self) -> bool:
        """Whether the command has ended, and all that it started."""
        return self._kill_at_ns is not None and (self._gives_up or not tree.has_children())
