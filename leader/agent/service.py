"""The agent as a process: locks, socket, signals, service manager, and taking its own place at SIGHUP.

SIGTERM and SIGINT hand over and end; a second one ends at once. SIGHUP checks the configuration and, if
it is good, re-executes with the listening socket and the locks kept, and without a release: the new
process resumes what the old one held (rule R5).
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from leader import __version__
from leader.agent import rights
from leader.agent.agent import Agent, Directories
from leader.agent.descriptors import open_files, raise_limit, restore_limit, shared_out
from leader.agent.logs import log
from leader.agent.notify import ServiceManager
from leader.agent.store import make_directory
from leader.api.binding import bind_socket, make_place, remove_socket
from leader.api.remote import Door
from leader.api.server import Server
from leader.config.model import Config
from leader.errors import ConfigurationError, LeaderError, Refused
from leader.instances.instance import Instance
from leader.lock import Lock

INHERITED = "LEADER_INHERITED"
"""The descriptors that a re-executed agent finds open: the socket, and the locks of `Places.locked`."""

INHERITED_DOOR = "LEADER_INHERITED_TCP"
"""The TCP socket, if there is one, and its address, for the same purpose."""

SWITCH_S = 0.0001
SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Those that the agent acts on; while it takes its own place they wait for the new process."""

STATE_MODE = 0o755


@dataclass(frozen=True, slots=True)
class Places:
    """Where the agent listens and keeps its files."""

    socket: Path
    directories: Directories

    @property
    def locked(self) -> tuple[Path, Path, Path]:
        """What no two agents may share."""
        return self.directories.runtime, self.directories.state, self.socket


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds open for its whole life, and hands on at a re-execution."""

    listening: socket.socket
    door: Door
    locks: tuple[Lock, ...]

    def descriptors(self) -> tuple[int, ...]:
        """The open files, in the order in which `INHERITED` names them."""
        return self.listening.fileno(), *(lock.descriptor for lock in self.locks)

    def release(self) -> None:
        """Close all of it."""
        self.listening.close()
        self.door.close()
        for lock in self.locks:
            lock.release()


class Service:
    """Runs one agent in this process; `reload` loads the configuration again, None forbids it."""

    def __init__(
        self,
        config: Config,
        places: Places,
        make_instances: Callable[[Config], list[Instance]],
        reload: Callable[[], Config] | None,
    ) -> None:
        self._config = config
        self._places = places
        self._make_instances = make_instances
        self._reload = reload
        self._manager = ServiceManager()
        self._next_door = Door()
        self._restarts = False
        self._left_over: set[signal.Signals] = set()
        self._stops = False

    def run(self) -> int:
        """Run until stopped; return the exit code.

        Raises:
            LeaderError: the agent cannot start, or must not go on.
        """
        try:
            held = self._hold()
        except Refused as error:
            raise ConfigurationError(str(error)) from error
        try:
            raise_limit()
            asyncio.run(self._serve(held))
            if self._restarts:
                self._take_own_place(held)
            remove_socket(self._places.socket)
        except BaseExceptionGroup as group:
            raise _told(group) from group
        finally:
            held.release()
        return 0

    def _hold(self) -> Held:
        inherited = os.environ.pop(INHERITED, "")
        directories = self._places.directories
        if inherited:
            listening, *descriptors = (int(descriptor) for descriptor in inherited.split(","))
            os.set_inheritable(listening, False)
            pairs = zip(self._places.locked, descriptors, strict=True)
            locks = tuple(Lock.inherited(*pair) for pair in pairs)
            rights.renew(self._places.socket, self._config.api)
            return Held(socket.socket(fileno=listening), self._inherited_door(), locks)
        make_directory(directories.runtime, 0o755)
        make_directory(directories.state, STATE_MODE)
        if directories.runtime.samefile(directories.state):
            raise ConfigurationError(
                f"{directories.state} is the directory for both runtime and state: name another one for one "
                "of them with LEADER_RUNTIME_DIR or LEADER_STATE_DIR"
            )
        path = self._places.socket
        make_place(path)
        locks = tuple(Lock(place) for place in self._places.locked)
        door = Door.opened(self._config.api.listen)
        api = self._config.api
        return Held(bind_socket(path, api.socket_mode, api.group), door, locks)

    def _inherited_door(self) -> Door:
        """The TCP socket that the process before has opened, at the address that the file says now.

        The file may have changed since; an address that cannot be had leaves the agent where it listens.
        """
        door = Door.inherited(os.environ.pop(INHERITED_DOOR, ""))
        try:
            wanted = door.moved(self._config.api.listen)
        except ConfigurationError as error:
            log.error("the agent goes on listening where it did: %s", error)
            return door
        if wanted is not door:
            door.close()
        return wanted

    async def _serve(self, held: Held) -> None:
        agent = Agent(
            self._config, self._places.directories, self._places.socket, self._make_instances(self._config)
        )
        limits, remote_limits = shared_out(open_files(), len(agent.lanes))
        server = Server(agent.answers, limits)
        self._on_signals(agent, held)
        make_prompt()
        rights.warn_of_closed(self._places.socket, self._config.api)
        log.info(
            "agent starts",
            extra={
                "fields": {
                    "node": self._config.node.name,
                    "cluster": self._config.cluster,
                    "version": __version__,
                    "socket": self._places.socket,
                    **({"listen": held.door.address} if held.door.address else {}),
                    "instances": len(agent.lanes),
                }
            },
        )
        server.serve(held.listening)
        if held.door.listening is not None:
            server.serve_remotely(held.door.listening, remote_limits)
        self._manager.tell(
            "READY=1", f"STATUS=node {self._config.node.name} of cluster {self._config.cluster}"
        )
        watchdog = asyncio.create_task(self._watch(agent))
        try:
            await agent.run()
        finally:
            watchdog.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watchdog
            await server.close()
        log.info("agent re-executes" if self._restarts else "agent stopped")

    async def _watch(self, agent: Agent) -> None:
        """Feed the service manager's watchdog as long as the agent's loops turn."""
        pause = self._manager.watchdog_seconds()
        while pause is not None:
            if agent.answers.alive():
                self._manager.tell("WATCHDOG=1")
            await asyncio.sleep(pause)

    # Signals.

    def _on_signals(self, agent: Agent, held: Held) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, agent, number)
        loop.add_signal_handler(signal.SIGHUP, self._restart, agent, held)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _stop(self, agent: Agent, number: signal.Signals) -> None:
        if self._restarts:
            self._left_over.add(number)
            return
        if self._stops:
            log.warning(
                "a second signal: the agent ends at once, and what it holds runs out within one lease"
            )
            os._exit(128 + number)
        self._manager.tell("STOPPING=1")
        self._stops = True
        agent.stop("this node's agent is stopping")

    def _restart(self, agent: Agent, held: Held) -> None:
        if self._restarts:
            self._left_over.add(signal.SIGHUP)
            return
        if self._stops:
            return
        if self._reload is None:
            log.warning("a development agent does not reload: stop and start it")
            return
        try:
            config = self._reload()
            self._next_door = held.door.moved(config.api.listen)
        except ConfigurationError as error:
            log.error("not reloaded, the agent goes on as it was: %s", error)
            return
        for note in (*config.warnings, *config.notes):
            log.warning("%s", note)
        self._manager.tell_reloading()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._restarts = True
        if _is_the_same_part(config, self._config):
            agent.leave_held()
        else:
            agent.stop("this node's part in the quorum changes")

    def _take_own_place(self, held: Held) -> NoReturn:
        """Execute this program again, with its socket and locks; never returns.

        Raises:
            LeaderError: the program is not there any more.
        """
        for descriptor in held.descriptors():
            os.set_inheritable(descriptor, True)
        os.environ[INHERITED] = ",".join(map(str, held.descriptors()))
        os.environ[INHERITED_DOOR] = self._next_door.handed_on()
        for number in self._left_over:
            os.kill(os.getpid(), number)
        restore_limit()
        try:
            os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # this very program
        except OSError as error:
            raise LeaderError(
                f"the agent cannot take its own place, {sys.executable} does not start ({error.strerror}): "
                "install it again and start the agent, which resumes what it held"
            ) from error


def _is_the_same_part(new: Config, old: Config) -> bool:
    """Whether what is held under one configuration may be resumed under the other (rule R5)."""
    return (new.cluster, new.node, new.configuration()) == (old.cluster, old.node, old.configuration())


def make_prompt() -> None:
    """Let nothing of Python's own hold up a hand-over.

    What is loaded by now is never searched for garbage again, and a thread that waits for another one gets
    its turn fifty times sooner than by default.
    """
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)


def _told(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that ended the agent, if it was raised for people; else what broke, in one sentence."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, LeaderError):
        return first
    where = first.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = (
        f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else "an unknown place"
    )
    return LeaderError(
        f"the agent broke at {place} ({type(first).__name__}: {first}): start it again, it resumes what it "
        "held; please report this line"
    )
