"""The Dockerfile and the compose file: read by what checks them, and carried out by hand.

No container engine runs here: what is not tried is the image that the Dockerfile begins with, that of the
instances, and the engine's own doing (network, volumes, restarts, when it asks how the container is).
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.image import FOLDER, Image, build, composed, start
from tests.packaging.machine import Machine, machine
from tests.support.polling import until

NODES = ("a", "b", "c")
HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not packaged for this platform")
def test_dockerfile_is_free_of_complaints() -> None:
    """By hadolint, with nothing ignored."""
    read = subprocess.run(
        [str(HADOLINT), str(FOLDER / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (read.returncode, read.stdout) == (0, "")


def test_compose_file_is_what_its_specification_demands() -> None:
    """Five instances, and three nodes that may write to their volumes alone."""
    services = composed()
    assert sorted(services) == ["a", "b", "c", *(f"redis-{number}" for number in range(1, 6))]
    for name in NODES:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]


class Containers:
    """The services of the compose file, while they run."""

    def __init__(self, booted: Machine, image: Image) -> None:
        self.booted = booted
        self._image = image

    def ask(self, node: str, *words: str) -> int:
        """The exit code of a command in the container of a node."""
        line = " ".join(f"'{word}'" for word in words)
        places = f"PATH=/opt/leader/bin:$PATH LEADER_RUNTIME_DIR=/volumes/{node}-run"
        return self.booted.run(f"{places} {line}", user="leader").code

    def leaders(self) -> list[str]:
        """The nodes that lead."""
        return [node for node in NODES if self.ask(node, "leader", "is-leader") == 0]

    def healthy(self) -> list[str]:
        """The nodes whose containers are healthy, by the very command of the image."""
        return [node for node in NODES if self.ask(node, *self._image.health) == 0]


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    """The image, and all services, on one machine."""
    with machine() as booted:
        image = build(booted)
        start(booted, image)
        yield Containers(booted, image)


@pytest.mark.slow
@pytest.mark.xdist_group("packages")
@pytest.mark.needs("root", "systemctl", "unshare", "nsenter", "redis-server")
@pytest.mark.timeout(300)
def test_steps_of_the_image_and_services_make_a_cluster(containers: Containers) -> None:
    """One node leads; all are healthy, also without an instance; another takes over when the leader ends."""
    (first,) = until(containers.leaders, "one node leads")
    until(lambda: containers.healthy() == list(NODES), "all are healthy")
    containers.booted.do("systemctl stop redis-5")
    until(lambda: containers.ask("a", "leader", "health") == 1, "that an instance is away is noticed")
    assert containers.healthy() == list(NODES)
    containers.booted.do(f"systemctl stop {first}")
    (second,) = until(containers.leaders, "another node leads")
    assert second != first
    assert first not in containers.healthy()
