"""The terminal pictures of the README: `leader status`, `top` and `demo`, as they look on real runs.

`make pictures` draws them anew, on an embedded quorum, into leader/manual/pictures. They are what the
programs print and draw, in Rich's drawing of a terminal, without the font that it would fetch from elsewhere.
"""

import asyncio
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.text import Text

from leader import clock
from leader.cli.demo import staged
from leader.cli.top_agent import TopAgent
from leader.demo.live import Director, Events
from leader.tui.demo import live
from leader.tui.top.app import Top
from tests.e2e.terminal import on_terminal
from tests.support.agents import PROJECT, Cluster, Settings, quorum_of, short_directory
from tests.support.node import CLUSTER, Node
from tests.support.polling import eventually, until

PICTURES = PROJECT / "leader" / "manual" / "pictures"
WIDTH = 100
TOP_SIZE = (WIDTH, 16)
ELECTIONS = ("archive", "default", "mail", "reports")
JOBS = ("report", "archive")
NAMES = ("redis-1", "redis-2", "redis-3")
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
FAMILY = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
FAIL_OVERS = 3
"""So many has the demo played when it is drawn."""


@dataclass(frozen=True, slots=True)
class Named(Settings):
    """A cluster called prod, and instances with names, for their sockets are nobody's business."""

    def text(self, node: str) -> str:
        """The file, for this node."""
        return Settings.text(self, node).replace(f'cluster = "{CLUSTER}"', 'cluster = "prod"')

    def _list_and_lease(self) -> str:
        pairs = (f'{name} = "{url}"' for name, url in zip(NAMES, self.urls, strict=True))
        return f'lease = "{self.lease}"\ninstances = {{ {", ".join(pairs)} }}'


def picture(drawn: RenderableType, title: str, width: int = WIDTH) -> str:
    """A terminal that shows this, as SVG."""
    console = Console(
        width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor", record=True
    )
    console.print(drawn)
    return without_font(console.export_svg(title=title, unique_id=title.replace(" ", "-")))


def without_font(svg: str) -> str:
    """The same in a font that the reader's machine has, with every blank kept."""
    plain = FONT.sub("", svg).replace("Fira Code, monospace", FAMILY)
    return plain.replace("<svg ", '<svg xml:space="preserve" ', 1)


@contextmanager
def nodes() -> Iterator[list[Node]]:
    """Three nodes of a cluster with some elections and two jobs that have run, the leader first."""
    with quorum_of(3) as quorum, short_directory() as directory:
        settings = Named(quorum.urls, lease="10s", elections=dict.fromkeys(ELECTIONS, 100))
        with Cluster(directory, settings, "") as cluster:
            found = [cluster.add(f"web-{number}") for number in (1, 2, 3)]
            for node in found:
                node.start(wait=False)
            until(lambda: _all_led(found), "each election has its leader")
            leader = next(node for node in found if node.leads())
            for job in JOBS:
                assert leader.run("once", job, "--", "true").code == 0
            until(lambda: _seen_to_lead(leader) == set(ELECTIONS), "it is seen who leads")
            yield sorted(found, key=lambda node: node is not leader)


def _all_led(found: list[Node]) -> bool:
    """Whether each election has its leader."""
    return all(any(node.leads(election) for node in found) for election in ELECTIONS)


def _seen_to_lead(node: Node) -> set[str]:
    """The elections that some node leads, as the registry has it."""
    roles = (seen["roles"].items() for seen in node.status()["nodes"])
    return {election for pairs in roles for election, role in pairs if role == "holder"}


def draw_status(node: Node) -> str:
    """What `leader status` prints on a terminal."""
    command = node.command("status")
    with on_terminal(command, node.places() | {"TERM": "xterm-256color"}) as terminal:
        assert terminal.ends() == 0
        printed = terminal.output.replace("\r", "")
    return picture(Text.from_ansi(f"$ leader status\n{printed.rstrip()}"), "leader status")


async def draw_top(node: Node) -> str:
    """The screen of `leader top`."""
    app = Top(TopAgent(str(node.socket), 1.0), clock.now_ns)
    async with app.run_test(size=TOP_SIZE) as pilot:
        await eventually(lambda: app.state.answers)
        await pilot.pause()
        return without_font(app.export_screenshot(title="leader top"))


def draw_demo() -> str:
    """The live display of `leader demo`, in the middle of its story."""
    events = Events()
    with staged(events.tell) as stage, Director(stage, events) as director:
        until(
            lambda: director.chapter.endswith(": done") and _fail_overs(events) >= FAIL_OVERS, "it has played"
        )
        return picture(live(director.view()), "leader demo")


def _fail_overs(events: Events) -> int:
    return sum("leads" in event for event in events.last())


def main() -> None:
    """Draw all of them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with nodes() as (leader, *_):
        (PICTURES / "status.svg").write_text(draw_status(leader))
        (PICTURES / "top.svg").write_text(asyncio.run(draw_top(leader)))
    (PICTURES / "demo.svg").write_text(draw_demo())


if __name__ == "__main__":
    main()
