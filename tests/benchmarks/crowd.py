"""Many candidates in one process: the agent itself, on real connections, without socket, signals and process.

    python -m tests.benchmarks.crowd '{"names": ["n1", …], …}'     (what `Crowded` says)

Tells on standard output who gained, lost or claimed, and when by this host's clock; carries out what it reads
on standard input: `crash NODE`, `release NODE`, and `start NODE` once that is over.
"""

import asyncio
import gc
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from leader.agent.agent import Agent, Directories
from leader.agent.descriptors import raise_limit
from leader.agent.instances import make_instances
from leader.clock import now_ns
from leader.config.load import from_document
from leader.config.model import Config
from leader.instances.instance import Instance
from leader.protocol.calls import Call, Reply, Take


@dataclass(frozen=True, slots=True)
class Crowded:
    """What one process is to host, and where."""

    names: Sequence[str]
    elections: int
    urls: Sequence[str]
    lease: str
    directory: str
    spread_s: float
    """Within how long they start, one after the other."""

    def words(self) -> str:
        """It, as an argument."""
        return json.dumps(asdict(self))


class Told(Instance):
    """An instance that tells of each claim that is sent to it."""

    node = ""

    async def call(self, calls: Sequence[Call], *, registration: str, timeout_ns: int) -> Reply:
        """As the instance does it."""
        if any(isinstance(call.operation, Take) for call in calls):
            tell("claims", self.node, now_ns(), self.name)
        return await super().call(calls, registration=registration, timeout_ns=timeout_ns)


def tell(*words: object) -> None:
    """A line for whoever started this process."""
    print(*words, flush=True)


class Member:
    """One candidate."""

    def __init__(self, name: str, config: Config, directory: Path) -> None:
        self.name = name
        directories = Directories(directory / "run", directory / "state")
        for place in (directories.runtime, directories.state):
            place.mkdir(parents=True, exist_ok=True)
        instances = make_instances(config)
        for instance in instances:
            instance.__class__ = Told  # it has the same parts, and tells
            instance.node = name  # type: ignore[attr-defined]
        self._agent = Agent(config, directories, directory / "s", instances)
        self._agent.journal.subscribe(self._happened)
        self._task: asyncio.Task[None] | None = None

    def _happened(self, change: dict[str, object]) -> None:
        if change["event"] in ("gained", "lost"):
            tell(change["event"], self.name, now_ns(), change["election"])

    def start(self) -> None:
        """Begin to contend."""
        self._task = asyncio.create_task(self._agent.run(), name=self.name)

    async def release(self) -> None:
        """Hand over what it holds, and end."""
        assert self._task is not None
        self._agent.stop("it was told to")
        await self._task

    async def crash(self) -> None:
        """End without a word to anybody."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for lane in self._agent.lanes.values():
            await lane.instance.close()


def configured(crowded: Crowded, name: str) -> Config:
    """The configuration of one of them."""
    return from_document(
        {
            "cluster": "bench",
            "node": {"name": name},
            "quorum": {"instances": list(crowded.urls), "lease": crowded.lease},
            "elections": {f"e{number}": {} for number in range(crowded.elections)},
        },
        "bench",
    )


async def host(crowded: Crowded) -> None:
    """Start all, then carry out what is asked for, until nobody asks any more."""
    members: dict[str, Member] = {}
    begins = now_ns()
    for number, name in enumerate(crowded.names):
        due_s = crowded.spread_s * number / len(crowded.names) - (now_ns() - begins) / 1e9
        await asyncio.sleep(max(0, due_s))
        members[name] = started(crowded, name)
    gc.freeze()
    tell("started", "-", now_ns(), "-")
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := (await reader.readline()).decode():
        what, name = line.split()
        match what:
            case "crash":
                await members[name].crash()
            case "release":
                await members[name].release()
            case "start":
                members[name] = started(crowded, name)


def started(crowded: Crowded, name: str) -> Member:
    """One of them, which contends."""
    member = Member(name, configured(crowded, name), Path(crowded.directory) / name)
    member.start()
    return member


def main() -> None:
    """Host what the argument says."""
    logging.getLogger("leader").setLevel(logging.ERROR)
    raise_limit()
    asyncio.run(host(Crowded(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
