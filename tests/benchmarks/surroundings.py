"""On what was it measured: the machine, and the versions of all that took part."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from leader import __version__
from leader.instances.program import find_server
from tests.benchmarks import etcd

PROJECT = Path(__file__).resolve().parents[2]
DEPENDENCIES = ("redis", "hiredis", "typer")
PROGRAM = ("leader", "packaging", "pyproject.toml", ":!*.md")
"""What is measured: a change of anything else in the repository makes no other figures."""


def machine() -> str:
    """Such as `AMD EPYC, 2 cores, 24 GB, Linux 6.18.44, Debian GNU/Linux 12`."""
    processor = re.search(r"model name\s*: (.+)", _text("/proc/cpuinfo"))
    system = re.search(r'PRETTY_NAME="(.+)"', _text("/etc/os-release"))
    return ", ".join(
        [
            processor[1].strip() if processor else platform.machine(),
            f"{len(os.sched_getaffinity(0))} cores",
            f"{psutil.virtual_memory().total / 1e9:.0f} GB",
            f"{platform.system()} {platform.release()}",
            system[1] if system else "",
        ]
    )


def versions() -> str:
    """Such as `leader 0.1.0 (1a2b3c4), CPython 3.11.7, Valkey 9.1.2, redis 8.1.0, …`."""
    server = _said([str(find_server()), "--version"])
    found = re.search(r"(\w+) server v=(\S+)", server)
    commit = _commit()
    return ", ".join(
        [
            f"leader {__version__} ({commit})" if commit else f"leader {__version__}",
            f"{platform.python_implementation()} {platform.python_version()}",
            f"{found[1]} {found[2]}" if found else server,
            *(f"{name} {version(name)}" for name in DEPENDENCIES),
            etcd.version() if etcd.is_here() else "no etcd",
        ]
    )


def _commit() -> str:
    """The last commit that changed the program, and whether it has changed since; empty if none is known."""
    git = ["git", "-C", str(PROJECT)]
    commit = _said([*git, "log", "-1", "--format=%h", "--", *PROGRAM])
    changed = _said([*git, "status", "--porcelain", "--", *PROGRAM])
    return f"{commit}, changed" if commit and changed else commit


def load() -> float:
    """How many processes wanted to run, on average over the last minute."""
    return os.getloadavg()[0]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
