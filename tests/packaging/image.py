"""What a Dockerfile and a compose file say, carried out by hand, for no container engine is at hand.

The steps of the Dockerfile run on a machine of the tests, whose Python stands for that of the image it begins
with; each service becomes a unit of systemd with the same user, environment, volumes and restrictions.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.packaging.machine import SHARED, Machine
from tests.support.node import PROJECT

FOLDER = PROJECT / "packaging/container"
NODE = """\
[Service]
User={user}
Environment={environment}
BindPaths={volumes}
ProtectSystem=strict
NoNewPrivileges=yes
CapabilityBoundingSet=
ExecStart={command}
"""
INSTANCE = """\
[Service]
ExecStart=/usr/bin/{command} --bind {address}
"""


@dataclass
class Image:
    """What the last stage of the Dockerfile leaves behind."""

    user: str = "root"
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def composed() -> dict[str, Any]:
    """The services of the compose file, as its specification reads them; what breaks it is a ValueError."""
    reader = pytest.importorskip("compose_spec").PyOptions(apply_merge=True)
    compose = reader.from_yaml((FOLDER / "compose.yaml").read_text())
    compose.validate()
    return dict(compose.to_dict()["services"])


def instructions() -> list[tuple[str, str]]:
    """The steps of the Dockerfile."""
    text = re.sub(r"^#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", "", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line]


def build(booted: Machine) -> Image:
    """Carry out each step on the machine."""
    copy_context(booted)
    fetch_wheels(booted)
    booted.do("mkdir -p /usr/local/bin; ln -sf /usr/bin/python3 /usr/local/bin/python")
    image = Image()
    for step, rest in instructions():
        carry_out(booted, image, step, rest)
    return image


def copy_context(booted: Machine) -> None:
    """Copy what is sent to the engine: all that the file beside the Dockerfile lets through."""
    for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source, target = PROJECT / line[1:], booted.shared / "context" / line[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)


def fetch_wheels(booted: Machine) -> None:
    """Fetch what pip would fetch, for the machine has no network but its own."""
    pip = [sys.executable, "-m", "pip", "--python", "/usr/bin/python3", "--quiet", "wheel"]
    wheels = str(booted.shared / "wheels")
    found = ["--find-links", str(PROJECT / "build/wheels"), "--wheel-dir", wheels]
    done = subprocess.run(
        [*pip, *found, str(PROJECT), "hatchling"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def carry_out(booted: Machine, image: Image, step: str, rest: str) -> None:
    """One step."""
    match step:
        case "RUN":
            booted.do(
                f"export PATH=/usr/local/bin:$PATH PIP_NO_INDEX=1 PIP_FIND_LINKS={SHARED}/wheels; {rest}",
                "root",
                300,
            )
        case "COPY" if not rest.startswith("--from"):
            booted.do(f"cp -r {SHARED}/context {rest.split()[1]}")
        case "ENV":
            image.environment |= dict(pair.split("=", 1) for pair in rest.split())
        case "USER":
            image.user = rest
        case "ENTRYPOINT" | "CMD":
            image.command += json.loads(rest)
        case "HEALTHCHECK":
            image.health = json.loads(rest.partition("CMD ")[2])


def start(booted: Machine, image: Image) -> None:
    """Start all services of the compose file, and let their names be found."""
    services = composed()
    for number, (name, told) in enumerate(services.items(), start=1):
        if "build" in told:
            booted.write(unit(name), node_unit(booted, image, told))
        else:
            words = " ".join(word or "''" for word in told["command"])
            booted.do(f"echo 127.0.0.{number} {name} >> /etc/hosts")
            booted.write(unit(name), INSTANCE.format(command=words, address=f"127.0.0.{number}"))
    booted.do(f"systemctl daemon-reload; systemctl start {' '.join(services)}")


def node_unit(booted: Machine, image: Image, told: dict[str, Any]) -> str:
    """The unit of a service that runs the image; its volumes are made."""
    environment = {**image.environment, **told["environment"]}
    environment["PATH"] = environment["PATH"].replace("$PATH", "/usr/bin:/bin")
    places = [volume.split(":") for volume in told["volumes"]]
    for kept, _ in places:
        booted.do(f"install --directory --owner={image.user} /volumes/{kept}")
    return NODE.format(
        user=image.user,
        environment=" ".join(f'"{name}={value}"' for name, value in environment.items()),
        volumes=" ".join(f"/volumes/{kept}:{place}" for kept, place in places),
        command=" ".join(["/opt/leader/bin/" + image.command[0], *image.command[1:]]),
    )


def unit(name: str) -> str:
    """The file of a unit."""
    return f"/etc/systemd/system/{name}.service"
